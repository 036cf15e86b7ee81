"""How values are written on pages."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import yaml

from launchkit.codec import plain
from launchkit.model import Variable
from launchkit.plain_text import visible, visible_line
from launchkit.shell_words import shell_join, shell_word
from launchkit_server.web.beginnings import Beginning
from launchkit_server.web.one_line import carried

MOST_COPIED = 100_000
SHOWN = 20_000
"""Characters of a text of several lines."""
UNITS = ((86400, "d"), (3600, "h"), (60, "m"))


def exact(at: float) -> str:
    """A Unix time to the second, in UTC: what a page says before the browser puts it into the
    zone of the one who reads.
    """
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def machine_time(at: float) -> str:
    """A Unix time as `datetime` attributes have it."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


def duration(seconds: float | None) -> str:
    """A span of time in its two largest units: `2h 5m`, `14s`."""
    if seconds is None:
        return "\u2013"
    left = max(0, round(seconds))
    for place, (size, unit) in enumerate(UNITS):
        if left >= size:
            many, rest = divmod(left, size)
            smaller, name = UNITS[place + 1] if place + 1 < len(UNITS) else (1, "s")
            return f"{many}{unit} {rest // smaller}{name}" if rest >= smaller else f"{many}{unit}"
    return f"{left}s"


def number(value: float) -> str:
    """A number with thin gaps between thousands."""
    return f"{value:,}".replace(",", "\u202f")


def line(text: object, characters: int = 300) -> str:
    """A foreign text on one line, with nothing in it that would not be seen."""
    return visible_line(_cut(str(text), characters))


def text(value: object, characters: int = SHOWN) -> str:
    """A foreign text of several lines, with nothing in it that would not be seen."""
    return visible(_cut(str(value), characters))


def _cut(text: str, characters: int) -> str:
    """Beginning and end of a text: of what is masked already, words may be cut."""
    half = (characters - len(" … ")) // 2
    return text if len(text) <= characters else f"{text[:half]} … {text[-half:]}"


def as_yaml(value: Any, *, ascii_alone: bool = False) -> str:
    """A document as YAML."""
    return str(yaml.safe_dump(plain(value), sort_keys=False, allow_unicode=not ascii_alone))


def shown_yaml(value: Any) -> str:
    """A document as YAML, or as much of it as a page shows."""
    return as_yaml(Beginning(SHOWN).of(plain(value)))


def as_json(value: Any) -> str:
    """A document as JSON."""
    return json.dumps(plain(value), indent=2, ensure_ascii=False)


def plural(count: int, one: str, many: str | None = None) -> str:
    """A count with its word: `1 queue`, `2 queues`."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def copied(command: str, *, lines: bool = False) -> str:
    """A command that is offered to be copied, with no key in it that a terminal heeds; of several
    *lines* if it is meant to be. None of one that is too long: what is left of words in quotes
    that were cut could be anything.
    """
    if len(command) > MOST_COPIED:
        return ""
    return visible(command).replace("\t", r"\t") if lines else visible_line(command)


def bounds(variable: Variable) -> str:
    """What a launch may put into a template field."""
    if variable.enum is not None:
        return "one of " + ", ".join(line(carried(one), 60) for one in variable.enum)
    said = [{"integer": "a whole number", "number": "a number"}.get(variable.type, "text")]
    said += [f"at least {variable.minimum}"] if variable.minimum is not None else []
    said += [f"at most {variable.maximum}"] if variable.maximum is not None else []
    said += [f"at most {variable.max_length} characters"] if variable.max_length is not None else []
    said += [f"like {variable.pattern}"] if variable.pattern is not None else []
    said += (
        [f"{line(carried(variable.default), 60)} if you give none"]
        if variable.default is not None
        else []
    )
    return ", ".join(said)


FILTERS: Mapping[str, Callable[..., str]] = {
    "exact": exact,
    "machine_time": machine_time,
    "duration": duration,
    "number": number,
    "line": line,
    "plain": text,
    "yaml": shown_yaml,
    "json": as_json,
    "plural": plural,
    "word": shell_word,
    "command": shell_join,
    "copied": copied,
    "bounds": bounds,
    "carried": carried,
}
