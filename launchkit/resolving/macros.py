"""Macros: `${name}` in values, filled by the agent that has claimed a launch."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from launchkit.codec import dotted
from launchkit.resolving.nested import texts

T = TypeVar("T")
Macros = Mapping[str, str | None]

MACRO = re.compile(r"(?P<nested>\$\{\w*(?:\$\{\w+\}\w*)+\})|\$\{(?P<name>\w+)\}")


def fill_macros(value: T, macros: Macros) -> tuple[T, tuple[str, ...]]:
    """Replace `${name}` in all values, not in keys; also gives warnings.

    None becomes an empty text. What is put in is never looked at again. An unknown macro stays as
    it is, with a warning; so does a macro inside a macro.
    """
    filled: T = _filled(value, macros)
    return filled, tuple(dict.fromkeys(_warnings(value, macros)))


def _filled(value: Any, macros: Macros) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(inner, macros) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(inner, macros) for inner in value]
    if not isinstance(value, str):
        return value
    return MACRO.sub(lambda match: _replacement(match, macros), value)


def _replacement(match: re.Match[str], macros: Macros) -> str:
    name = match["name"]
    return macros[name] or "" if name in macros else match[0]


def _warnings(value: object, macros: Macros) -> Iterator[str]:
    for path, text in texts(value):
        for match in MACRO.finditer(text):
            if match["nested"]:
                yield f"{dotted(path)}: {match[0]} is left as it is: macros do not nest"
            elif match["name"] not in macros:
                yield f"{dotted(path)}: unknown macro {match[0]} is left as it is"
