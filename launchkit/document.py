"""YAML and JSON texts that people write, read so that each key still knows its line."""

import json
from dataclasses import dataclass
from pathlib import Path

from launchkit.codec import Locate, dotted, no_number, number_problem
from launchkit.codec import Path as KeyPath
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
    return parse_document(read_text(path), str(path))


def is_file(path: Path) -> bool:
    """Whether there is such a file. :raises ConfigError: if it cannot be looked at."""
    try:
        return path.is_file()
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read: {exc.strerror}") from exc


def read_text(path: Path) -> str:
    """What a file holds. :raises ConfigError: if it cannot be read, or is not UTF-8 text."""
    from launchkit.yaml_bounds import MOST_CHARACTERS

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
    from launchkit.yaml_text import documents  # who reads no file needs no YAML

    return documents(text, source, warnings) or [Document({}, source, {}, warnings)]


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
    elif problem := number_problem(value):
        raise no_number(locate(path), problem)
    elif not isinstance(value, str | int | float | None):
        raise ConfigError(
            f"{locate(path)}: a {type(value).__name__} cannot be kept as JSON",
            hint="put the value into quotes to make it text",
        )


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _untabbed(line: str) -> str:
    body = line.lstrip("\t ")
    return line[: len(line) - len(body)].replace("\t", "  ") + body
