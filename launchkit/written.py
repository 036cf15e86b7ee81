"""What texts say that somebody else reads as data: JSON and YAML, wherever it is written."""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import TypeVar

from launchkit.errors import ConfigError

S = TypeVar("S", bound=str)

_ESCAPED = re.compile(
    r"(?<!\\)\\++(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|/|(\r?\n[ \t]*+))"
)
_BEGINS = r"(?<![^\s\ufeff].)"
_STRUCTURE = re.compile(
    rf"\{{{_BEGINS}|\[{_BEGINS}|-{_BEGINS}(?!\S)|\?{_BEGINS}(?!\S)|:(?!\S)", re.DOTALL
)
"""What each list and mapping has; within words the same signs tell of none."""
_BEGUN = re.compile(r"\$\$|\$(?=\(|\Z)")
_NO_CHARACTER = re.compile("[\ud800-\udfff]")
MERGED = "<<"
"""The key of a mapping that others are merged into. See https://yaml.org/type/merge.html."""
MOST_ESCAPED = 5
"""Escapes within escapes are undone so often."""
_LINE_ENDS = re.compile("[\x85\u2028\u2029]")
"""Those of YAML 1.1 that are characters like others in YAML 1.2."""
_CONCEALING = re.compile(r"(?<![^\s\[{,?:-])!(?![\s=])|(?<!\\)\\\\++[nr]")
"""Tags, of which one is for base64, and line ends that are escaped twice."""
_WORD = re.compile(r"(?<![$\w-])(?<!\$\{)[\w-]++")
"""But for names of variables."""


def literal(text: S) -> S:
    """A text as it is to be written where Kubernetes or Vertex AI put variables of the container in
    the place of `$(NAME)`, so that nothing takes its place. See
    https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#Container.
    """
    return type(text)(text.replace("$", "$$")) if "$(" in text or "$$" in text else text


def with_literals(parts: Iterable[tuple[str, bool]]) -> str:
    """A text of such a place from *parts*, each with whether it is to be literal. The others have
    variables put into them where a reference stands in them as a whole: what begins in them and
    would go on in a literal one is none.
    """
    found = [*parts]
    together = "".join(part for part, _ in found)
    if "$(" not in together and "$$" not in together:
        return together
    runs = groupby(found, key=itemgetter(1))
    return "".join(
        text.replace("$", "$$") if is_literal else _closed(text)
        for is_literal, run in runs
        for text in ["".join(part for part, _ in run)]
    )


def _closed(text: str) -> str:
    """A text in which no reference begins that does not end."""
    whole, bracket, rest = text.rpartition(")")
    return whole + bracket + _BEGUN.sub("$$", rest)


def unescaped(text: str) -> str:
    r"""A text with the characters in place of escapes such as `\u0050`, as JSON and YAML have them,
    with however many backslashes, and without line ends that are escaped.
    """
    return _ESCAPED.sub(_character, text)


def pointed(path: str) -> list[str]:
    """The keys on the way that a patch names, as JSON Pointer writes it (RFC 6901)."""
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")]


def may_be_data(text: str) -> bool:
    """Whether a text has what all have that are mappings or lists, in JSON or YAML."""
    return bool(_STRUCTURE.search(text))


def structures(text: str) -> Iterator[object]:
    """The mappings and lists that a text is, if it is JSON or YAML; scalars of YAML stay texts, and
    a mapping with a key twice is a list of mappings. Of a text that others may read in another way
    than it is read here, such as one with a fault, all words come too, as one key with slashes
    between them: each may be a key.

    :raises ConfigError: if it is too large, nested too deep, or too well concealed, to be looked
        at.
    """
    if not may_be_data(text):
        return
    text = _NO_CHARACTER.sub("\ufffd", text)  # as a cluster reads it
    try:
        whole = json.loads(text, parse_int=str, parse_float=str, object_pairs_hook=mapping)
        found, is_sure = [whole], True
    except (ValueError, RecursionError):
        from launchkit.yaml_data import yaml_data  # few configs have such a text

        found, is_sure = yaml_data(text)
    yield from (one for one in found if isinstance(one, dict | list))
    if not is_sure or _LINE_ENDS.search(text):
        yield {"/".join(_words(text)): {"": ""}}


def mapping(pairs: Iterable[tuple[str, object]]) -> object:
    """What some keys and values are together: one mapping with the last value of each key, and
    beside it those that it takes the place of, as programs take the first, the last, or both.
    """
    made: dict[str, object] = {}
    merged: list[object] = []
    beside: list[object] = []
    for key, value in pairs:
        if key == MERGED:
            merged += value if isinstance(value, list) else [value]
            continue
        if key in made:
            beside.append({key: made[key]})
        made[key] = value
    for one in merged:
        for key, value in one.items() if isinstance(one, dict) else ():
            if made.setdefault(key, value) is not value:
                beside.append({key: value})
        if not isinstance(one, dict):
            beside.append(one)
    return [made, *beside] if beside else made


def _words(text: str) -> list[str]:
    """All words of a text that may be keys. :raises ConfigError: if others may be concealed."""
    for _ in range(MOST_ESCAPED):
        before, text = text, unescaped(text)
        if text == before and not _CONCEALING.search(text):
            return _WORD.findall(text)
    raise ConfigError("it is neither JSON nor YAML to its end, with tags or escapes in it")


def _character(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    if code is None:
        return "" if found[4] else "/"
    return chr(int(code, 16)) if int(code, 16) <= 0x10FFFF else found[0]
