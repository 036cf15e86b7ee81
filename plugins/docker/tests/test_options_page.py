"""The page about Docker queues lists what the table of options has, no more and no less."""

import re
from pathlib import Path

from launchkit_docker.options.table import REFUSED, REFUSED_ALIASES, TABLE, Option

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "docker.md"
ROW = re.compile(r"\| (`[^|]*`) \| (flag|once|repeats) \| (.*?) ?\| ?(`[^`]*`)? ?\|")


def how_often(option: Option) -> str:
    if option.shape == "flag":
        return "flag"
    return "repeats" if option.repeats else "once"


def names(*words: str) -> str:
    return ", ".join(f"`{word}`" for word in words)


def test_the_page_lists_exactly_the_options_with_their_fields() -> None:
    rows = [match for line in PAGE.read_text().splitlines() if (match := ROW.fullmatch(line))]
    assert [(row[1], row[2], (row[4] or "").strip("`")) for row in rows] == [
        (names(option.name, *option.aliases), how_often(option), option.field) for option in TABLE
    ]


def test_the_page_says_why_each_refused_option_is_refused() -> None:
    section = PAGE.read_text().split("## Refused options")[1].partition("\n## ")[0]
    short = {name: alias for alias, name in REFUSED_ALIASES.items()}
    assert re.findall(r"^\| (`.*`) \| (.*) \|$", section, flags=re.MULTILINE) == [
        (names(*filter(None, (name, short.get(name)))), reason) for name, reason in REFUSED.items()
    ]
