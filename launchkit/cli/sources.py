"""Texts that users name on the command line: a file, `-` for stdin, or JSON itself."""

import sys

from launchkit.cli.options import say
from launchkit.document import (
    Document,
    parse_documents,
    parse_mapping,
    read_document,
    read_text,
    require_mapping,
)
from launchkit.errors import ConfigError
from launchkit.home import expanded


def mapping_from(text: str, option: str) -> Document:
    """The mapping in the file *text*; in stdin for `-`; in *text* itself if it begins with `{`.

    :raises ConfigError: if it cannot be read, or is no mapping of texts to values.
    """
    if text.lstrip().startswith("{"):
        document = parse_mapping(text, option)
    elif text == "-":
        document = parse_mapping(_stdin(), "stdin")
    else:
        document = read_document(expanded(text))
        require_mapping(document)
    for warning in document.warnings:
        say(warning)
    return document


def documents_from(text: str) -> list[Document]:
    """The documents in the file *text*, or in stdin for `-`.

    :raises ConfigError: if it cannot be read.
    """
    if text == "-":
        found = parse_documents(_stdin(), "stdin")
    else:
        path = expanded(text)
        found = parse_documents(read_text(path), str(path))
    for warning in found[0].warnings:
        say(warning)
    return found


def _stdin() -> str:
    from launchkit.yaml_bounds import MOST_CHARACTERS

    try:
        return sys.stdin.buffer.read(4 * MOST_CHARACTERS).decode()
    except UnicodeDecodeError as exc:
        raise ConfigError(f"stdin: is not UTF-8 text (byte {exc.start})") from exc
