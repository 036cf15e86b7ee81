"""Macros: `${name}` in values, filled by the agent that has claimed a launch."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from launchkit.codec import Path, dotted
from launchkit.model import Secret
from launchkit.resolving.nested import texts

T = TypeVar("T")
Macros = Mapping[str, str | None]

MACRO = re.compile(r"(?P<nested>\$\{\w*(?:\$\{\w+\}\w*)+\})|\$\{(?P<name>\w+)\}")


def fill_macros(
    value: T, macros: Macros, *, at: Callable[[Path], Macros] | None = None
) -> tuple[T, tuple[str, ...]]:
    """Replace `${name}` in all values, not in keys; also gives warnings. *at* gives the macros of
    the value at a path, where they are others than *macros*.

    None becomes an empty text. What is put in is never looked at again. An unknown macro stays as
    it is, with a warning; so does a macro inside a macro. A text with a `Secret` in it is one.
    """
    here = at or (lambda _: macros)
    filled: T = _filled(value, (), here)
    return filled, tuple(dict.fromkeys(_warnings(value, here)))


def _filled(value: Any, path: Path, at: Callable[[Path], Macros]) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(inner, (*path, key), at) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(inner, (*path, index), at) for index, inner in enumerate(value)]
    if not isinstance(value, str):
        return value
    macros = at(path)
    found = [match["name"] for match in MACRO.finditer(value)]
    text = MACRO.sub(lambda match: _replacement(match, macros), value)
    return Secret(text) if any(isinstance(macros.get(name), Secret) for name in found) else text


def _replacement(match: re.Match[str], macros: Macros) -> str:
    name = match["name"]
    return str.__str__(macros[name] or "") if name in macros else match[0]


def _warnings(value: object, at: Callable[[Path], Macros]) -> Iterator[str]:
    for path, text in texts(value):
        for match in MACRO.finditer(text):
            if match["nested"]:
                yield f"{dotted(path)}: {match[0]} is left as it is: macros do not nest"
            elif match["name"] not in at(path):
                yield f"{dotted(path)}: unknown macro {match[0]} is left as it is"
