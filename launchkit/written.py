"""What texts say that somebody else reads as data: JSON and YAML, wherever it is written."""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeVar

S = TypeVar("S", bound=str)

_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|(/))")
_BEGINS = r"(?<![^\s\ufeff].)"
_STRUCTURE = re.compile(
    rf"\{{{_BEGINS}|\[{_BEGINS}|-{_BEGINS}(?!\S)|\?{_BEGINS}(?!\S)|:(?!\S)", re.DOTALL
)
"""What each list and mapping has; within words the same signs tell of none."""
_BEGUN = re.compile(r"\$\$|\$(?=\(|\Z)")
_NO_CHARACTER = re.compile("[\ud800-\udfff]")


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
    r"""A text with the characters in place of escapes such as `\u0050`, as JSON and YAML have them.
    What is escaped twice stays so once.
    """
    return _ESCAPED.sub(_character, text)


def may_be_data(text: str) -> bool:
    """Whether a text has what all have that are mappings or lists, in JSON or YAML."""
    return bool(_STRUCTURE.search(text))


def structures(text: str) -> Iterator[object]:
    """The mappings and lists that a text is, if it is JSON or YAML; scalars of YAML stay texts.

    :raises ConfigError: if it is too large, or nested too deep, to be looked at.
    """
    if not may_be_data(text):
        return
    text = _NO_CHARACTER.sub("\ufffd", text)  # as a cluster reads it
    try:
        found = [json.loads(text, parse_int=str, parse_float=str)]
    except (ValueError, RecursionError):
        found = _of_yaml(text)
    yield from (one for one in found if isinstance(one, dict | list))


def _of_yaml(text: str) -> list[object]:
    import yaml  # few configs have such a text

    from launchkit.yaml_bounds import SafeLoader, check_bounds

    found: list[object] = []
    with suppress(yaml.YAMLError):  # who reads the first document alone heeds no fault behind it
        check_bounds(text, "a text")
    with suppress(yaml.YAMLError):
        found.extend(map(_plain, yaml.compose_all(text, Loader=SafeLoader)))
    return found


def _plain(node: Any) -> object:
    """Tags make no difference, and no number is read."""
    if node.id == "mapping":
        return {_key(key): _plain(value) for key, value in node.value}
    if node.id == "sequence":
        return [_plain(one) for one in node.value]
    return node.value


def _key(node: Any) -> str:
    return str(_plain(node))


def _character(found: re.Match[str]) -> str:
    code = int(found[1] or found[2] or found[3] or "2f", 16)
    return chr(code) if code <= 0x10FFFF else found[0]
