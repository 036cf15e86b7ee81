"""Which Python packages a code directory asks for, and in which file it says so."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath

from launchkit.code.containment import has_file
from launchkit.errors import Rejected

PYPROJECT = "pyproject.toml"
FROZEN = ("requirements.frozen.txt", ".job/requirements.frozen.txt")
MOST_CHARACTERS = 1_000_000
"""Of a file that names packages."""
CONDA = ("environment.yml", "environment.yaml")

_INCLUDE = re.compile(r"(?:-r|-c|--requirement|--constraint)(?:\s+|=|(?<=-[rc]))(\S+)")
_LOCAL = re.compile(
    r"(?:-e|--editable)\b|(?:-f|--find-links)\b(?![\s=]*https?:)"
    r"|\.{1,2}(?:/|$|\[)|file:|\S+\s*@\s*file:|[\w.-]+/\S"
)
"""A line that needs a path in the code; which files a package is made of cannot be told."""
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?")


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """What pip is to install."""

    files: tuple[str, ...] = ()
    """What has to be there for it: paths in the code directory. "." stands for all of it."""
    install: tuple[str, ...]
    """The arguments of `pip install`."""


def find_dependencies(root: Path, extras: Sequence[str] = ()) -> Dependencies | None:
    """What the first of these files in *root* says: `requirements.txt`, `pyproject.toml`,
    `requirements.frozen.txt`; None if there is none. *extras* are groups of `pyproject.toml`.

    :raises Rejected: if the file is malformed, or conda's `environment.yml` comes before it.
    """
    if has_file(root, "requirements.txt"):
        return _from_requirements(root, "requirements.txt")
    wanted = _from_pyproject(root, extras)
    if wanted:
        return Dependencies(install=wanted)
    for name in CONDA:
        if has_file(root, name):
            raise Rejected(
                f"{name}: launchkit installs with pip and cannot make a conda environment",
                hint="list the packages in requirements.txt, or bring a Dockerfile that uses conda",
            )
    frozen = next((name for name in FROZEN if has_file(root, name)), None)
    return _from_requirements(root, frozen) if frozen else None


def _from_requirements(root: Path, name: str) -> Dependencies:
    files = dict.fromkeys([name])
    local = False
    waiting = [name]
    while waiting:
        file = waiting.pop()
        for line in _lines(_read(root, file)):
            included = _INCLUDE.match(line)
            if included and "://" not in included[1]:
                path = _beside(file, included[1])
                waiting += [path] if path not in files else []
                files[path] = None
            local = local or bool(_LOCAL.match(line))
    return Dependencies(files=(".",) if local else tuple(files), install=("-r", name))


def _lines(text: str) -> Iterator[str]:
    joined = re.sub(r"\\\n", " ", text)
    stripped = (re.sub(r"(^|\s)#.*$", "", line).strip() for line in joined.splitlines())
    return (line for line in stripped if line)


def _beside(file: str, path: str) -> str:
    parts: list[str] = []
    for part in (*PurePosixPath(file).parent.parts, *PurePosixPath(path).parts):
        if part == "/" or (part == ".." and not parts):
            raise Rejected(
                f"{file}: {path} is not inside the code directory",
                hint="an image can only be built from what is in the code directory",
            )
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def _read(root: Path, name: str) -> str:
    if not has_file(root, name):
        raise Rejected(f"{name}: there is no such file in the code directory")
    try:
        with (root / name).open(encoding="utf-8") as file:
            text = file.read(MOST_CHARACTERS + 1)
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8"
        raise Rejected(f"{name}: cannot be read: {reason}") from exc
    if len(text) > MOST_CHARACTERS:
        raise Rejected(f"{name}: has more than {MOST_CHARACTERS} characters")
    return text


def _from_pyproject(root: Path, extras: Sequence[str]) -> tuple[str, ...]:
    project: Mapping[str, object] = {}
    if has_file(root, PYPROJECT):
        try:
            project = _table(tomllib.loads(_read(root, PYPROJECT)), "project")
        except (ValueError, RecursionError) as exc:  # also of numbers and nesting without end
            raise Rejected(f"{PYPROJECT}: is not TOML: {exc}") from exc
    groups = _table(project, "optional-dependencies", "project.")
    wanted = _requirements(project.get("dependencies", []), "project.dependencies")
    return tuple(dict.fromkeys([*wanted, *_of_extras(str(project.get("name")), groups, extras)]))


def _table(data: Mapping[str, object], key: str, above: str = "") -> Mapping[str, object]:
    table = data.get(key, {})
    if not isinstance(table, Mapping):
        raise Rejected(f"pyproject.toml: {above}{key}: must be a table")
    return table


def _of_extras(name: str, groups: Mapping[str, object], extras: Sequence[str]) -> Iterator[str]:
    """What the groups *extras* ask for; a group may name others as `<this project>[group]`."""
    waiting, seen = list(extras), set[str]()
    while waiting:
        extra = waiting.pop(0)
        if extra in seen:
            continue
        seen.add(extra)
        if extra not in groups:
            near = get_close_matches(extra, groups, 1)
            raise Rejected(
                f"resource_args.builder.extras: pyproject.toml has no extra {extra!r}",
                hint=f"did you mean {near[0]}?"
                if near
                else f"it has: {', '.join(groups) or 'none'}",
            )
        for line in _requirements(groups[extra], f"project.optional-dependencies.{extra}"):
            found = _REQUIREMENT.match(line)
            if found and found[2] and _plain(found[1]) == _plain(name):
                waiting += [group.strip() for group in found[2].split(",")]
            else:
                yield line


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _requirements(value: object, path: str) -> list[str]:
    if not isinstance(value, list):
        raise Rejected(f"pyproject.toml: {path}: must be a list of requirements")
    for line in value:
        if not isinstance(line, str) or not _REQUIREMENT.match(line) or "\n" in line:
            raise Rejected(f"pyproject.toml: {path}: {line!r} is not a requirement")
    return list(value)
