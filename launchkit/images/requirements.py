"""Which Python packages a code directory asks for, and in which file it says so."""

import codecs
import re
import tomllib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from launchkit.code.containment import has_file
from launchkit.code.inside import LONGEST_PATH
from launchkit.codec import suggest
from launchkit.errors import Rejected
from launchkit.plain_text import shortened

PYPROJECT = "pyproject.toml"
FROZEN = ("requirements.frozen.txt", ".job/requirements.frozen.txt")
MOST_CHARACTERS = 1_000_000
"""Of a file that names packages."""
MOST_LINES = 10_000
"""Of a `requirements.txt`, with all that it includes."""
MOST_FILES = 100
"""That it includes, each as often as a line says so."""
MOST_TOML = 100_000
"""Characters of a `pyproject.toml`; it takes longer to read."""
MOST_PARTS = 100
"""Of a key in it; to read one takes time and memory with the square of them."""
CONDA = ("environment.yml", "environment.yaml")
UNREAD = ("setup.py", "setup.cfg", "Pipfile")
NOT_READ = (
    "{file} may ask for packages, and launchkit does not read it: nothing is installed; to install"
    " the code as a package, write requirements.txt with the one line `.`"
)

_INCLUDE = re.compile(r"(?:-r|-c|--requirement|--constraint)(?:\s+|=|(?<=-[rc]))(\S+)")
_LOCAL = re.compile(
    r"(?:-e|--editable)\b|(?:-f|--find-links)\b(?![\s=]*https?:)"
    r"|\.{1,2}(?:/|$|\[)|file:|\S+\s*@\s*file:|[\w.-]+/\S"
    r"|[^\s:]+\.(?:whl|zip|tar|tgz|tbz|txz|tar\.(?:gz|bz2|xz|lzma))(?:[\s;\[]|$)"
)
"""A line that needs a path in the code; which files a package is made of cannot be told."""
_FROM_GIT = re.compile(r"(?:(?:-e|--editable)[\s=]*+)?(?:[^#]*@\s*)?git(?:\+|:)\S")
_CODING = re.compile(rb"coding[:=]\s*([-\w.]+)")
_CHARSETS = re.compile(
    r"ascii|utf[-_](?:7|8|16|32)(?:[-_][bl]e|-sig)?|latin[-_]?1|iso8859[-_]\d+|cp\d+|koi8[-_][rtu]"
    r"|mac[-_]\w+|gb\w+|hz|big5\w*|shift_jis\w*|euc_\w+|iso2022_\w+|johab|kz1048|ptcp154|tis[-_]620"
)
"""The codecs of characters; others, such as punycode, may take any time."""
MOST_OF_A_NAME = 40
"""Characters of a codec's: Python keeps each name that it was asked for."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*$")
_QUOTED = re.compile(
    r"""#[^\n]*+"""
    r"""|\"{3}(?:[^"\\]|\\[\s\S]|"(?!""))*+"{0,5}+|'{3}(?:[^']|'(?!''))*+'{0,5}+"""
    r"""|"(?:[^"\\\n]|\\[^\n])*+"?|'[^'\n]*+'?"""
)
"""Comments and texts in TOML; one that does not end goes to where it had to."""
_KEY_END = re.compile(r"[=,{}\[\]\r\n]")
_PART_END = re.compile(r"""[\w"'-][ \t]*+\.""")
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?")


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """What pip is to install."""

    files: tuple[str, ...] = ()
    """What has to be there for it: paths in the code directory. "." stands for all of it."""
    install: tuple[str, ...]
    """The arguments of `pip install`."""
    needs_git: bool = False
    """Whether pip runs git for one of them."""


def find_dependencies(root: Path, extras: Sequence[str] = ()) -> Dependencies | None:
    """What the first of these files in *root* says: `requirements.txt`, `pyproject.toml`,
    `requirements.frozen.txt`; None if there is none. *extras* are groups of `pyproject.toml`.

    :raises Rejected: if the file is malformed, or conda's `environment.yml` comes before it, or
        only Poetry could install what the code asks for.
    """
    if has_file(root, "requirements.txt"):
        return _from_requirements(root, "requirements.txt")
    pyproject = _pyproject(root)
    wanted = _from_pyproject(pyproject, extras)
    if wanted:
        return Dependencies(install=wanted, needs_git=any(map(_FROM_GIT.match, wanted)))
    for name in CONDA:
        if has_file(root, name):
            raise Rejected(
                f"{name}: launchkit installs with pip and cannot make a conda environment",
                hint="list the packages in requirements.txt, or bring a Dockerfile that uses conda",
            )
    frozen = next((name for name in FROZEN if has_file(root, name)), None)
    if frozen is None:
        _refuse_poetry(pyproject)
        return None
    return _from_requirements(root, frozen)


def not_installed(root: Path) -> str | None:
    """A warning if *root*, of which `find_dependencies` found nothing, has a file that may ask for
    packages in a way that launchkit does not read.
    """
    dynamic = _table(_pyproject(root), "project").get("dynamic", [])
    if isinstance(dynamic, list) and "dependencies" in dynamic:
        return NOT_READ.format(file=f"{PYPROJECT}: project.dynamic")
    file = next((name for name in UNREAD if has_file(root, name)), None)
    return NOT_READ.format(file=file) if file else None


def _refuse_poetry(pyproject: Mapping[str, object]) -> None:
    """:raises Rejected: if it has dependencies that Poetry alone reads."""
    poetry = _table(_table(pyproject, "tool"), "poetry", "tool.")
    wanted = _table(poetry, "dependencies", "tool.poetry.")
    if wanted.keys() - {"python"}:
        raise Rejected(
            f"{PYPROJECT}: tool.poetry.dependencies: launchkit installs with pip, which does not"
            " read them",
            hint="write requirements.txt with `poetry export -o requirements.txt`, or list the"
            " packages under project.dependencies",
        )


def _from_requirements(root: Path, name: str) -> Dependencies:
    files = dict.fromkeys([name])
    local = needs_git = False
    waiting, characters, lines, includes = [name], MOST_CHARACTERS, 0, 0
    while waiting:
        file = waiting.pop()
        text = _read(root, file, characters)
        characters -= len(text)
        for line in _lines(text):
            lines += 1
            included = _INCLUDE.match(line)
            if included and "://" not in included[1]:
                includes += 1
                path = _beside(file, included[1])
                waiting += [path] if path not in files else []
                files[path] = None
            needs_git = needs_git or bool(_FROM_GIT.match(line))
            local = local or bool(_LOCAL.match(line))
            if lines > MOST_LINES or includes > MOST_FILES:
                raise Rejected(
                    f"{name}: has more than {MOST_LINES} lines, or includes more than {MOST_FILES}"
                    " files"
                )
    copied = (".",) if local else tuple(files)
    return Dependencies(files=copied, install=("-r", name), needs_git=needs_git)


def _lines(text: str) -> Iterator[str]:
    joined = re.sub(r"\\\n", " ", "\n".join(text.splitlines()))
    stripped = (_COMMENT.sub("", line).strip() for line in joined.splitlines())
    return (line for line in stripped if line)


def _beside(file: str, path: str) -> str:
    if len(path) > LONGEST_PATH:
        short = shortened(path, 40)
        raise Rejected(f"{file}: {short}: the path has more than {LONGEST_PATH} characters")
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


def _read(root: Path, name: str, most: int = MOST_CHARACTERS) -> str:
    if not has_file(root, name):
        raise Rejected(f"{name}: there is no such file in the code directory")
    try:
        with (root / name).open("rb") as file:
            text = _decoded(file.read(4 * MOST_CHARACTERS + 1))
    except OSError as exc:
        raise Rejected(f"{name}: cannot be read: {exc.strerror}") from exc
    except (UnicodeError, LookupError) as exc:
        raise Rejected(
            f"{name}: cannot be read: {exc}", hint="save the file as UTF-8, as most editors do"
        ) from exc
    if len(text) > most:
        raise Rejected(f"{name}: has more than {most} characters")
    return text


def _decoded(data: bytes) -> str:
    """The text of a file, as pip reads it: a byte order mark or a line such as
    `# coding: latin-1` says how it is written; else it is UTF-8.
    """
    for mark, coding in _MARKS:
        if data.startswith(mark):
            return data.removeprefix(mark).decode(coding)
    for line in data.split(b"\n", 2)[:2]:
        if line.startswith(b"#") and (found := _CODING.search(line)):
            return data.decode(_charset(found[1].decode()))
    return data.decode()


def _charset(named: str) -> str:
    name = codecs.lookup(named).name if len(named) <= MOST_OF_A_NAME else ""
    if not _CHARSETS.fullmatch(name):
        raise LookupError(f"unknown encoding: {shortened(named, MOST_OF_A_NAME)}")
    return name


def _pyproject(root: Path) -> Mapping[str, object]:
    if not has_file(root, PYPROJECT):
        return {}
    text = _read(root, PYPROJECT, MOST_TOML)
    if any(
        len(_PART_END.findall(key)) > MOST_PARTS for key in _KEY_END.split(_QUOTED.sub('"', text))
    ):
        raise Rejected(f"{PYPROJECT}: has a key of more than {MOST_PARTS} parts")
    try:
        found = tomllib.loads(text)
        repr(found)  # which a hexadecimal number may be too long for
    except (ValueError, RecursionError) as exc:  # also of numbers and nesting without end
        raise Rejected(f"{PYPROJECT}: is not TOML: {exc}") from exc
    return found


def _from_pyproject(pyproject: Mapping[str, object], extras: Sequence[str]) -> tuple[str, ...]:
    project = _table(pyproject, "project")
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
    own = _plain(name)
    waiting, seen = deque(extras), set[str]()
    while waiting:
        extra = waiting.popleft()
        if extra in seen:
            continue
        seen.add(extra)
        if extra not in groups:
            near = suggest(extra, groups)
            raise Rejected(
                f"resource_args.builder.extras: pyproject.toml has no extra {extra!r}",
                hint=f"did you mean {near}?" if near else f"it has: {', '.join(groups) or 'none'}",
            )
        for line in _requirements(groups[extra], f"project.optional-dependencies.{extra}"):
            found = _REQUIREMENT.match(line)
            if found and found[2] and _plain(found[1]) == own:
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
