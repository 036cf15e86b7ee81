"""YAML and JSON texts that people write, read so that each key still knows its line."""

import json
from dataclasses import dataclass
from pathlib import Path

import yaml

from launchkit.codec import Path as KeyPath
from launchkit.codec import dotted
from launchkit.errors import ConfigError


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
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {exc.start})") from exc
    return parse_document(text, str(path))


def parse_document(text: str, source: str) -> Document:
    """Read YAML or JSON text; an empty text is an empty mapping.

    :raises ConfigError: if it is not well-formed, or gives one key twice.
    """
    warnings: tuple[str, ...] = ()
    if any(line.startswith("\t") for line in text.splitlines()) and not _is_json(text):
        text = "\n".join(_untabbed(line) for line in text.splitlines())
        warnings = (f"{source}: tabs used as indentation were read as two spaces each",)
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        lines: dict[KeyPath, int] = {}
        if node is None:
            return Document({}, source, lines, warnings)
        _note_lines(node, (), lines, source)
        data = loader.construct_document(node)
    except yaml.YAMLError as exc:
        raise ConfigError(_yaml_message(exc, source), hint=_yaml_hint(text)) from exc
    except (ValueError, RecursionError) as exc:
        raise ConfigError(f"{source}: not valid YAML: {exc}") from exc
    finally:
        loader.dispose()
    return Document(data, source, lines, warnings)


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
        raise ConfigError(
            f"{document.source}:1: a mapping of keys to values is wanted, not a {kind}"
        )
    _require_plain(document.data, (), document)
    return document.data


def _require_plain(value: object, path: KeyPath, document: Document) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise ConfigError(
                    f"{document.locate((*path, str(key)))}: a key must be text, not {key!r}",
                    hint='put it into quotes; a template field as a value is written "{{name}}"',
                )
            _require_plain(inner, (*path, key), document)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _require_plain(inner, (*path, index), document)
    elif not isinstance(value, str | int | float | None):
        raise ConfigError(
            f"{document.locate(path)}: a {type(value).__name__} cannot be kept as JSON",
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
    except ValueError:
        return False
    return True


def _untabbed(line: str) -> str:
    body = line.lstrip("\t ")
    return line[: len(line) - len(body)].replace("\t", "  ") + body


def _yaml_message(exc: yaml.YAMLError, source: str) -> str:
    if isinstance(exc, yaml.MarkedYAMLError) and exc.problem_mark:
        mark = exc.problem_mark
        return f"{source}:{mark.line + 1}: not valid YAML: {exc.problem} (column {mark.column + 1})"
    return f"{source}: not valid YAML: {str(exc).splitlines()[0]}"


def _yaml_hint(text: str) -> str | None:
    if "{{" in text:
        return 'a template field must stand in quotes: key: "{{name}}"'
    return None
