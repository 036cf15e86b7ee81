"""File overrides: what a launch changes in JSON and YAML files of the code."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkstemp

import yaml

from launchkit.code.containment import is_inside
from launchkit.codec import check_depth
from launchkit.document import parse_document, read_text
from launchkit.errors import ConfigError, Rejected
from launchkit.model import Json
from launchkit.resolving.merge import deep_merge
from launchkit.yaml_bounds import MOST_CHARACTERS, SafeDumper


class BadOverride(Rejected):
    """A file override names no file that can be changed."""

    code = "bad_override"


def override_files(code: Path, files: Mapping[str, Json]) -> None:
    """Lay each mapping over its file in *code*. Doing it twice changes nothing more.

    :raises BadOverride: if a path leaves the code, or is no JSON or YAML file with a mapping.
    """
    for name, over in files.items():
        _override(_inside(code, name), name, over)


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
    if not path.is_file():
        raise BadOverride(f"file override {name!r}: the code has no such file")
    return path.resolve()


def _override(path: Path, name: str, over: Json) -> None:
    try:
        base = _read(path)
        check_depth(base)
    except (ConfigError, ValueError, RecursionError) as exc:
        first = str(exc).split("\n")[0]
        raise BadOverride(f"file override {name!r}: the file cannot be read: {first}") from exc
    if not isinstance(base, dict):
        kind = type(base).__name__
        raise BadOverride(f"file override {name!r}: the file holds a {kind}, not a mapping")
    merged = deep_merge(base, over)
    if path.suffix == ".json":
        changed = json.dumps(merged, indent=2, ensure_ascii=False) + "\n"
    else:
        changed = yaml.dump(merged, Dumper=SafeDumper, sort_keys=False, allow_unicode=True)
    _replace(path, changed.encode())


def _read(path: Path) -> object:
    text = read_text(path)
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"it has more than {MOST_CHARACTERS} characters")
    return json.loads(text) if path.suffix == ".json" else parse_document(text, path.name).data


def _replace(path: Path, data: bytes) -> None:
    """Under a name that is new: what the code has beside the file, such as a link, stays alone."""
    handle, name = mkstemp(prefix=".launchkit-", dir=path.parent)
    with os.fdopen(handle, "wb") as aside:
        aside.write(data)
        os.fchmod(handle, path.stat().st_mode)
    Path(name).replace(path)
