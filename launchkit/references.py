"""What of a value is taken from elsewhere: macros, template fields, a container's variables."""

import re
from collections.abc import Iterator

REFERENCE = r"(?:\$\{[A-Za-z_]\w*\}|\{\{\s*[A-Za-z_][\w-]*\s*\}\}|\$\([A-Za-z_]\w*\))"
REFERENCES = rf"{REFERENCE}(?:[:@/., ]?{REFERENCE})*+"
_ONE_REFERENCE = re.compile(REFERENCE, re.ASCII)
_FIELD = re.compile(r"\{\{\s*([A-Za-z_][\w-]*)\s*\}\}", re.ASCII)
_ELSEWHERE = re.compile(REFERENCES, re.ASCII)


def fields_in(value: str) -> Iterator[str]:
    """The names of the template fields in a value."""
    return (field[1] for field in _FIELD.finditer(value))


def without_references(value: str) -> list[str]:
    """What of a value stands between what is taken from elsewhere."""
    return _ONE_REFERENCE.split(value)


def is_elsewhere(value: str) -> bool:
    """Whether the whole of a value is taken from elsewhere, by macros or template fields."""
    return bool(_ELSEWHERE.fullmatch(value.strip()))
