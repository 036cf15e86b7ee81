"""Macros: `${name}` in values, filled by the agent that has claimed a launch."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from launchkit.codec import Path, dotted
from launchkit.model import Secret
from launchkit.model.claims import MOST_WARNINGS
from launchkit.plain_text import shortened
from launchkit.resolving.nested import MOST_SHOWN, require_room, texts
from launchkit.written import with_literals

T = TypeVar("T")
Macros = Mapping[str, str | None]

MACRO = re.compile(r"(?P<nested>\$\{\w*(?:\$\{\w+\}\w*)+\})|\$\{(?P<name>\w+)\}")


def fill_macros(
    value: T,
    macros: Macros,
    *,
    at: Callable[[Path], Macros] | None = None,
    expands: Callable[[Path], bool] = lambda _: False,
) -> tuple[T, tuple[str, ...]]:
    """Replace `${name}` in all values, not in keys; also gives warnings. *at* gives the macros of
    the value at a path, where they are others than *macros*. Where the platform *expands* a value,
    it puts no variable in the place of `$(NAME)` in what comes of a macro, but for a `Secret`.

    None becomes an empty text. What is put in is never looked at again. An unknown macro stays as
    it is, with a warning; so does a macro inside a macro. A text with a `Secret` in it is one.

    :raises Rejected: if that is more than anybody would look through.
    """
    here = at or (lambda _: macros)
    require_room(texts(value), MACRO, lambda path: partial(_length, here(path)))
    filled: T = _filled(value, (), here, expands)
    return filled, tuple(islice(_once_each(_warnings(value, here)), MOST_WARNINGS))


def _length(macros: Macros, found: re.Match[str]) -> int:
    return len(macros.get(found["name"] or "") or "")


def _once_each(words: Iterable[str]) -> Iterator[str]:
    told: set[str] = set()
    for one in words:
        if one not in told:
            told.add(one)
            yield one


def _filled(
    value: Any, path: Path, at: Callable[[Path], Macros], expands: Callable[[Path], bool]
) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(one, (*path, key), at, expands) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(one, (*path, index), at, expands) for index, one in enumerate(value)]
    if not isinstance(value, str):
        return value
    macros = at(path)
    found = [match["name"] for match in MACRO.finditer(value)]
    if not found:
        return value
    parts = _parts(value, macros)
    text = with_literals(parts) if expands(path) else "".join(part for part, _ in parts)
    return Secret(text) if any(isinstance(macros.get(name), Secret) for name in found) else text


def _parts(text: str, macros: Macros) -> Iterator[tuple[str, bool]]:
    """With whether they are of macros that are no secrets of the agent's owner."""
    at = 0
    for match in MACRO.finditer(text):
        yield text[at : match.start()], False
        name = match["name"]
        is_known = name in macros
        brought = is_known and not isinstance(macros[name], Secret)
        yield str.__str__(macros[name] or "") if is_known else match[0], brought
        at = match.end()
    yield text[at:], False


def _warnings(value: object, at: Callable[[Path], Macros]) -> Iterator[str]:
    for path, text in texts(value):
        if not MACRO.search(text):
            continue
        place, macros = shortened(dotted(path), MOST_SHOWN), at(path)
        for match in MACRO.finditer(text):
            macro = shortened(match[0], MOST_SHOWN)
            if match["nested"]:
                yield f"{place}: {macro} is left as it is: macros do not nest"
            elif match["name"] not in macros:
                yield f"{place}: unknown macro {macro} is left as it is"
