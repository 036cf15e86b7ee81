"""Of a secret nothing is left in what programs print of it, whatever letters it has and however the
prints stand in each other.
"""

import html
import json
import random
import shlex
import subprocess
from collections.abc import Callable
from html.entities import html5
from pathlib import Path
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape, quoteattr

import pytest
import yaml

from launchkit.resolving.masking import Mask

HARD = "'\"\\$`%&+<>#!*?;|(){}[]~^ \n\té€ü😀\x01\x1b\x7f\xa0"
PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
NAMES = {letter: f"&{name}" for name, letter in html5.items() if name.endswith(";")}
LEFT = 4
"""So many letters of a secret, one after another, are a piece of it."""
PRINTERS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "repr": repr,
    "ascii": ascii,
    "bytes": lambda text: repr(text.encode()),
    "list": lambda text: str(["x", text, {"key": text}]),
    "json": json.dumps,
    "json of letters": lambda text: json.dumps({"key": [text]}, ensure_ascii=False),
    "shlex.quote": shlex.quote,
    "shlex.join": lambda text: shlex.join(["run", text, "end"]),
    "backslashes": lambda text: "".join(f"\\{one}" if one in HARD[:25] else one for one in text),
    "yaml": lambda text: yaml.safe_dump({"key": text}),
    "yaml of letters": lambda text: yaml.safe_dump([text], allow_unicode=True, width=20),
    "yaml in double quotes": lambda text: yaml.safe_dump([text], default_style='"', width=30),
    "yaml in folded lines of Windows": lambda text: yaml.safe_dump(
        {"key": text}, default_style=">", width=20
    ).replace("\n", "\r\n"),
    "yaml in single quotes": lambda text: yaml.safe_dump([text], default_style="'"),
    "html": html.escape,
    "xml": lambda text: f"<a b={quoteattr(text)}>{escape(text)}</a>",
    "numbers of html": lambda text: "".join(
        one if one in PLAIN else f"&#{ord(one)};" for one in text
    ),
    "names of html": lambda text: "".join(NAMES.get(one, one) for one in text),
    "names of letters": lambda text: text.encode("ascii", "namereplace").decode(),
    "percent": quote,
    "percent of all": lambda text: quote(text, safe=""),
    "percent and plus": quote_plus,
}


def secrets(number: int, seed: int) -> list[str]:
    """Secrets of words with hard letters between and within them."""
    chance = random.Random(seed)
    return [
        "".join(
            chance.choice(HARD) if chance.random() < share else chance.choice(PLAIN)
            for _ in range(chance.randint(12, 30))
        )
        for share in (0.1, 0.3, 0.5)
        for _ in range(number)
    ]


def pieces(secret: str, shown: str) -> list[str]:
    """The pieces of plain letters of a secret that are in a text."""
    found = [secret[at : at + LEFT] for at in range(len(secret) - LEFT + 1)]
    return [one for one in found if {*one} <= {*PLAIN} and one in shown]


@pytest.mark.parametrize("printer", PRINTERS)
def test_nothing_of_a_secret_is_left_in_what_is_printed_of_it(printer: str) -> None:
    for secret in secrets(40, 1):
        printed = PRINTERS[printer](secret)
        shown = Mask([secret])(f"it is {printed} here")
        assert not pieces(secret, shown), (secret, printed, shown)
        assert shown.startswith("it is ")
        assert shown.endswith(" here")


@pytest.mark.parametrize("inner", PRINTERS)
@pytest.mark.parametrize(
    "outer", ["repr", "json", "shlex.quote", "percent and plus", "html", "yaml of letters"]
)
def test_nothing_of_a_secret_is_left_where_a_print_of_it_is_printed(inner: str, outer: str) -> None:
    for secret in secrets(8, 2):
        printed = PRINTERS[outer](PRINTERS[inner](secret))
        shown = Mask([secret])(f"it is {printed} here")
        assert not pieces(secret, shown), (secret, printed, shown)


@pytest.mark.parametrize(
    "script",
    ["printf '%q\\n'", "set -x; :", 'f() { echo "${1@Q}"; local x=$1; declare -p x; }; f'],
    ids=["printf", "xtrace", "declare"],
)
@pytest.mark.parametrize("shell", ["bash", "sh"])
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_nothing_of_a_secret_is_left_in_what_a_shell_prints_of_it(
    script: str, shell: str, locale: str, tmp_path: Path
) -> None:
    if shell == "sh" and script != "set -x; :":
        script = "set -x; export x="
    known = secrets(20, 3)
    lines = [f"{script}{'' if script.endswith('=') else ' '}{shlex.quote(one)}" for one in known]
    (tmp_path / "script").write_text("\n".join(lines), encoding="utf-8")
    done = subprocess.run(
        [shell, str(tmp_path / "script")],
        env={"PATH": "/usr/bin:/bin", "LC_ALL": locale},
        capture_output=True,
        check=False,
    )
    printed = (done.stdout + done.stderr).decode(errors="surrogateescape")
    shown = Mask(known)(printed)
    assert "…" in shown
    for secret in known:
        assert not pieces(secret, shown), (secret, shown)


@pytest.mark.parametrize("before", ["%", "\\", "&#", "\\u00", "%2", "&", "\\x", "+", "$", "'"])
def test_what_stands_before_a_secret_takes_nothing_of_it_from_the_mask(before: str) -> None:
    for secret in ("41ab-cd'ef-gh", 'amp;ab"cd-efgh', "n1234'5678é", "0041;x'y-zzzz"):
        for printer in ("as it is", "repr", "json", "shlex.quote", "list"):
            shown = Mask([secret])(PRINTERS[printer](f"x {before}{secret}{before} y"))
            assert not pieces(secret, shown), (secret, printer, shown)
