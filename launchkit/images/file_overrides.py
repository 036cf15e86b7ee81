"""File overrides: what a launch changes in JSON and YAML files of the code."""

import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkstemp

import yaml

from launchkit.code.containment import has_file, is_inside
from launchkit.code.threads import go_on
from launchkit.codec import check_depth
from launchkit.document import parse_document, read_text
from launchkit.errors import ConfigError, Rejected
from launchkit.model import Json
from launchkit.resolving.merge import deep_merge
from launchkit.yaml_bounds import MOST_CHARACTERS, SafeDumper

MOST_FILES = 1_000
MOST_OF_ALL = 10_000_000
"""Characters that are read and written, of all files of a launch together: a small file of the code
may be named many times, by as many links, and be many times as long with its lines indented.
"""


class BadOverride(Rejected):
    """A file override names no file that can be changed, or there are too many."""

    code = "bad_override"


def override_files(code: Path, files: Mapping[str, Json]) -> None:
    """Lay each mapping over its file in *code*. Doing it twice changes nothing more.

    :raises BadOverride: if a path leaves the code, or is no JSON or YAML file with a mapping, or
        the files are too many or too long together, or YAML cannot hold what one would.
    """
    left = MOST_OF_ALL
    for count, (name, over) in enumerate(files.items()):
        go_on()
        if count == MOST_FILES:
            raise BadOverride(
                f"file override {name!r}: with it more than {MOST_FILES} files would be changed",
                hint="change fewer files, or commit what is the same for all launches",
            )
        left -= _override(_inside(code, name), name, over, left)


def _inside(code: Path, name: str) -> Path:
    path = code / name
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise BadOverride(f"file override {name!r}: a path inside the code is wanted")
    if path.suffix not in {".json", ".yaml", ".yml"}:
        raise BadOverride(
            f"file override {name!r}: only .json, .yaml and .yml files can be changed"
        )
    if not is_inside(code, name):
        raise BadOverride(f"file override {name!r}: a symbolic link leads out of the code")
    if not has_file(code, name):
        raise BadOverride(f"file override {name!r}: the code has no such file")
    return path.resolve()


def _override(path: Path, name: str, over: Json, most: int) -> int:
    """Gives how many characters that took, which may be so many."""
    try:
        text = _read(path)
        base = _parsed(text, path)
        check_depth(base)
    except (ConfigError, ValueError, RecursionError) as exc:
        first = str(exc).split("\n")[0]
        raise BadOverride(f"file override {name!r}: the file cannot be read: {first}") from exc
    if not isinstance(base, dict):
        kind = type(base).__name__
        raise BadOverride(f"file override {name!r}: the file holds a {kind}, not a mapping")
    merged = deep_merge(base, over)
    most -= len(text)
    changed = _json(merged, most) if path.suffix == ".json" else _yaml(merged, name)
    if len(changed) > most:
        raise BadOverride(
            f"file override {name!r}: with this file more than {MOST_OF_ALL} characters would be"
            " read and written",
            hint="change fewer or shorter files, or commit what is the same for all launches",
        )
    # half a surrogate pair, which JSON has as an escape only, has no other encoding
    _replace(path, changed.encode(errors="backslashreplace"))
    return len(text) + len(changed)


def _read(path: Path) -> str:
    text = read_text(path)
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"it has more than {MOST_CHARACTERS} characters")
    return text


def _parsed(text: str, path: Path) -> object:
    return json.loads(text) if path.suffix == ".json" else parse_document(text, path.name).data


def _yaml(data: Json, name: str) -> str:
    try:
        return str(yaml.dump(data, Dumper=SafeDumper, sort_keys=False, allow_unicode=True))
    except UnicodeEncodeError as exc:
        raise BadOverride(
            f"file override {name!r}: a text has half a surrogate pair, which YAML cannot hold",
            hint="give the whole character",
        ) from exc


def _json(data: Json, most: int) -> str:
    """No further than to where it has more characters than that."""
    text = io.StringIO()
    for part in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(data):
        if text.tell() > most:
            break
        text.write(part)
    text.write("\n")
    return text.getvalue()


def _replace(path: Path, data: bytes) -> None:
    """Under a name that is new: what the code has beside the file, such as a link, stays alone."""
    handle, name = mkstemp(prefix=".launchkit-", dir=path.parent)
    with os.fdopen(handle, "wb") as aside:
        aside.write(data)
        os.fchmod(handle, path.stat().st_mode)
    Path(name).replace(path)
