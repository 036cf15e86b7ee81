"""YAML and JSON texts that people write, read so that each key still knows its line."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.reader import ReaderError

from launchkit.codec import Locate, dotted
from launchkit.codec import Path as KeyPath
from launchkit.errors import ConfigError
from launchkit.yaml_bounds import MOST_CHARACTERS, check_bounds

_TEXT = "tag:yaml.org,2002:str"
_NUMBERS = frozenset({"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"})


class _Loader(yaml.SafeLoader):
    """YAML in which `33:33` is a text: no number to the base of 60, as YAML 1.1 has it."""

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        """The tag of a node that has none."""
        tag: str = super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]
        return _TEXT if tag in _NUMBERS and ":" in value else tag


@dataclass(frozen=True)
class Document:
    """What a text said, and where."""

    data: object
    source: str
    lines: dict[KeyPath, int]
    warnings: tuple[str, ...] = ()

    def locate(self, path: KeyPath) -> str:
        """`file:line: key.path` of the key at *path*, or of the nearest one above it."""
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        return f"{self.source}:{self.lines.get(known, 1)}: {dotted(path)}"


def read_document(path: Path) -> Document:
    """Read a YAML or JSON file.

    :raises ConfigError: if it cannot be read or is not well-formed.
    """
    return parse_document(read_text(path), str(path))


def read_text(path: Path) -> str:
    """What a file holds. :raises ConfigError: if it cannot be read, or is not UTF-8 text."""
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(MOST_CHARACTERS + 1)
    except IsADirectoryError as exc:
        raise ConfigError(f"{path}: is a directory; name the file in it") from exc
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {exc.start})") from exc


def parse_document(text: str, source: str) -> Document:
    """Read YAML or JSON text; an empty text is an empty mapping.

    :raises ConfigError: if it is not well-formed, gives one key twice, or is several documents.
    """
    document, *others = parse_documents(text, source)
    if others:
        line = others[0].lines.get((), 1)
        raise ConfigError(f"{source}:{line}: not valid YAML: one document is wanted, not several")
    return document


def parse_documents(text: str, source: str) -> list[Document]:
    """Read YAML text in which `---` parts documents; an empty text is one empty mapping.

    :raises ConfigError: if it is not well-formed, or gives one key twice.
    """
    warnings: tuple[str, ...] = ()
    if any(line.startswith("\t") for line in text.split("\n")) and not _is_json(text):
        text = "\n".join(_untabbed(line) for line in text.split("\n"))
        warnings = (f"{source}: tabs used as indentation were read as two spaces each",)
    found: list[Document] = []
    try:
        check_bounds(text, source)
        loader = _Loader(text)
        while (node := loader.get_node() if loader.check_node() else None) is not None:
            lines: dict[KeyPath, int] = {}
            _note_lines(node, (), lines, source)
            found.append(Document(loader.construct_document(node), source, lines, warnings))
    except yaml.YAMLError as exc:
        raise ConfigError(_yaml_message(exc, source, text), hint=_yaml_hint(text)) from exc
    except RecursionError as exc:
        raise ConfigError(f"{source}: is nested too deep to be read") from exc
    except ValueError as exc:
        raise ConfigError(f"{source}: not valid YAML: {exc}") from exc
    return found or [Document({}, source, {}, warnings)]


def parse_mapping(text: str, source: str) -> Document:
    """As `parse_document`, for texts that must be a mapping with texts as keys."""
    document = parse_document(text, source)
    require_mapping(document)
    return document


def require_mapping(document: Document) -> dict[str, object]:
    """The document's data, if it is a mapping with texts as keys all the way down.

    :raises ConfigError: if it is something else.
    """
    if not isinstance(document.data, dict):
        kind = type(document.data).__name__
        line = document.lines.get((), 1)
        raise ConfigError(
            f"{document.source}:{line}: a mapping of keys to values is wanted, not a {kind}"
        )
    require_plain(document.data, document.locate)
    return document.data


def require_plain(value: object, locate: Locate, path: KeyPath = ()) -> None:
    """:raises ConfigError: if a value is not what JSON can hold, or has a key that is no text."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise ConfigError(
                    f"{locate((*path, str(key)))}: a key must be text, not {key!r}",
                    hint='put it into quotes; a template field as a value is written "{{name}}"',
                )
            require_plain(inner, locate, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            require_plain(inner, locate, (*path, index))
    elif not isinstance(value, str | int | float | None):
        raise ConfigError(
            f"{locate(path)}: a {type(value).__name__} cannot be kept as JSON",
            hint="put the value into quotes to make it text",
        )


def _note_lines(node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int], source: str) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        seen: set[object] = set()
        for key, value in node.value:
            here = (*path, key.value if isinstance(key, yaml.ScalarNode) else str(key.value))
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    line = key.start_mark.line + 1
                    raise ConfigError(f"{source}:{line}: {dotted(here)}: this key is given twice")
                seen.add(key.value)
            lines[here] = key.start_mark.line + 1
            _note_lines(value, here, lines, source)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _note_lines(value, (*path, index), lines, source)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _untabbed(line: str) -> str:
    body = line.lstrip("\t ")
    return line[: len(line) - len(body)].replace("\t", "  ") + body


def _yaml_message(exc: yaml.YAMLError, source: str, text: str) -> str:
    if isinstance(exc, yaml.MarkedYAMLError) and exc.problem_mark:
        mark = exc.problem_mark
        return f"{source}:{mark.line + 1}: not valid YAML: {exc.problem} (column {mark.column + 1})"
    if isinstance(exc, ReaderError):
        line = text.count("\n", 0, exc.position) + 1
        return f"{source}:{line}: not valid YAML: it may not hold {chr(exc.character)!a}"
    return f"{source}: not valid YAML: {str(exc).splitlines()[0]}"


def _yaml_hint(text: str) -> str | None:
    if "{{" in text:
        return 'a template field must stand in quotes: key: "{{name}}"'
    return None
