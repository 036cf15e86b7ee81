"""Which numbers of settings may be of any size, as their schema tells."""

from collections.abc import Iterator
from typing import Any

LEAST = frozenset({"minimum", "exclusiveMinimum", "const"})
MOST = frozenset({"maximum", "exclusiveMaximum", "const"})


def unbounded(schema: Any, place: str = "") -> Iterator[str]:
    """Where a number has no least or no largest value."""
    if isinstance(schema, list):
        for one in schema:
            yield from unbounded(one, place)
    if not isinstance(schema, dict):
        return
    is_number = schema.get("type") in ("number", "integer")
    if is_number and not (LEAST & schema.keys() and MOST & schema.keys()):
        yield place
    for key, value in schema.items():
        yield from unbounded(value, f"{place}/{key}")
