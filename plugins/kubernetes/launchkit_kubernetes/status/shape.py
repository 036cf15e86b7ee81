"""Foreign JSON, of which any key may be missing, null, or of another type than it should be."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from launchkit.plain_text import MESSAGE_CHARACTERS, shortened, tail_lines

MAX_NUMBER = 1 << 31


def mapping(value: object) -> Mapping[str, Any]:
    """*value* if it is a JSON object; else an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> Sequence[Any]:
    """*value* if it is a JSON array; else an empty one."""
    return value if isinstance(value, list | tuple) else ()


def text(value: object) -> str:
    """*value* if it is a string, of bounded length; else an empty one."""
    if not isinstance(value, str):
        return ""
    return shortened(value).encode(errors="replace").decode()


def whole(value: object) -> int | None:
    """*value* if it is a whole number of usual size; else None."""
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if -MAX_NUMBER <= value < MAX_NUMBER else None


def number(value: object) -> int:
    """*value* if it is a whole number of usual size; else 0."""
    return whole(value) or 0


def moment(value: object) -> float | None:
    """When it was, in seconds since 1970, if *value* is a time as the API writes it; else None."""
    try:
        found = datetime.fromisoformat(text(value))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def words(value: object) -> str:
    """*value* for people: one line without escape sequences, of bounded length."""
    return shortened(" ".join(lines(value)), MESSAGE_CHARACTERS)


def lines(value: object) -> tuple[str, ...]:
    """The last lines of a text, fit to be shown."""
    return tuple(line.strip() for line in tail_lines(text(value).encode()))


def told(reason: str, message: str) -> str:
    """A reason, which is one word, and the sentence that goes with it."""
    return shortened(": ".join(filter(None, [words(reason), words(message)])))
