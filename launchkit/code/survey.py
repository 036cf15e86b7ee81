"""What of a code directory is packed: its ignore files, its limits and what is refused."""

import logging
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from launchkit.code.ignore import RuleFile, is_ignored, parse_rules
from launchkit.errors import Rejected

logger = logging.getLogger("launchkit.code")

REMADE = frozenset(
    {
        "__pycache__",
        ".ipynb_checkpoints",
        ".mypy_cache",
        ".nox",
        ".pytest_cache",
        ".ruff_cache",
        ".tox",
    }
)
"""Directories of which no run needs a copy: each tool makes its own anew."""
TOLD = 10
"""So many problems, and directories that are left out, are named."""

MIB = 1024**2
GIB = 1024**3


@dataclass(frozen=True, kw_only=True)
class PackLimits:
    """How much code one launch may bring; bytes before compression."""

    file_bytes: int = 512 * MIB
    total_bytes: int = 2 * GIB
    files: int = 100_000
    """Files, links and directories together."""


DEFAULT_LIMITS = PackLimits()


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One directory, file or link to pack."""

    path: str
    """From the root, with slashes."""
    kind: int
    """`stat.S_IFDIR`, `stat.S_IFREG` or `stat.S_IFLNK`."""
    size: int = 0
    executable: bool = False
    target: str = ""
    """Where a link points to."""


@dataclass(frozen=True)
class _Walk:
    """What is found on the way through a directory, besides what is packed."""

    root: Path
    limits: PackLimits
    problems: list[Rejected] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Directory:
    path: str
    git: tuple[RuleFile, ...] = ()
    own: tuple[RuleFile, ...] = ()


def survey(root: Path, limits: PackLimits) -> list[Entry]:
    """List what is packed of *root*, parents first, in one order on every machine.

    Left out are `.git`, virtual environments, caches of Python's tools and what `.gitignore` files
    ignore; `.launchkitignore` files, which are written alike, have the last word.

    :raises Rejected: if something in it cannot be packed, or it is too much; tells all that is
        wrong at once.
    """
    if not root.is_dir():
        what = "is not a directory" if root.exists() else "does not exist"
        raise Rejected(f"{root} {what}", hint="name the directory with your code")
    entries: list[Entry] = []
    total = 0
    walk = _Walk(root, limits)
    for entry in _entries(walk, _Directory("")):
        total += entry.size
        _check_limits(entry, total, len(entries), limits)
        entries.append(entry)
    if walk.problems:
        raise _all_of(walk.problems)
    if walk.left_out:
        logger.warning("left out of the code: %s", _shortened(walk.left_out, ", "))
    if all(entry.kind == stat.S_IFDIR for entry in entries):
        raise Rejected(
            f"{root}: there is nothing to pack",
            hint="the directory is empty, or .gitignore and .launchkitignore leave out all of it",
        )
    return entries


def _all_of(problems: Sequence[Rejected]) -> Rejected:
    if len(problems) == 1:
        return problems[0]
    return Rejected(
        _shortened([problem.message for problem in problems], "\n"),
        hint="mend them, or list in .launchkitignore what the job does not need",
    )


def _shortened(texts: Sequence[str], between: str) -> str:
    more = [f"and {len(texts) - TOLD} more"] if len(texts) > TOLD else []
    return between.join([*texts[:TOLD], *more])


def _entries(walk: _Walk, directory: _Directory) -> Iterator[Entry]:
    try:
        found = sorted(os.scandir(walk.root / directory.path), key=lambda item: item.name)
        here = _with_rules(walk.root, directory)
    except OSError as exc:
        walk.problems.append(_unreadable(directory.path or str(walk.root), exc))
        return
    for item in found:
        path = directory.path + item.name
        is_directory = item.is_dir(follow_symlinks=False)
        if item.name == ".git":
            continue
        ignored = _is_left_out(here, path, is_directory=is_directory)
        if ignored is None and is_directory and (what := _remade(item)):
            walk.left_out.append(f"{path} ({what})")
            continue
        if not ignored:
            yield from _of(walk, here, path, is_directory=is_directory)


def _of(walk: _Walk, here: _Directory, path: str, *, is_directory: bool) -> Iterator[Entry]:
    """One thing that is packed, with all that is below it."""
    try:
        entry = _entry(walk.root, path)
        _check_size(entry, walk.limits)
    except Rejected as exc:
        walk.problems.append(exc)
        return
    except OSError as exc:
        walk.problems.append(_unreadable(path, exc))
        return
    yield entry
    if is_directory:
        yield from _entries(walk, replace(here, path=f"{path}/"))


def _remade(item: "os.DirEntry[str]") -> str | None:
    """What a directory is if each machine makes its own: None if it is none of these."""
    if item.name in REMADE:
        return "a cache"
    return "a virtual environment" if Path(item.path, "pyvenv.cfg").is_file() else None


def _with_rules(root: Path, directory: _Directory) -> _Directory:
    git = _read_rules(root, directory.path, ".gitignore")
    own = _read_rules(root, directory.path, ".launchkitignore")
    return replace(directory, git=directory.git + git, own=directory.own + own)


def _read_rules(root: Path, base: str, name: str) -> tuple[RuleFile, ...]:
    file = root / base / name
    if file.is_symlink() or not file.is_file():
        return ()
    return (parse_rules(file.read_text("utf-8", errors="surrogateescape"), base),)


def _is_left_out(directory: _Directory, path: str, *, is_directory: bool) -> bool | None:
    """What the ignore files say; None if they say nothing of it."""
    own = is_ignored(directory.own, path, is_directory=is_directory)
    if own is None:
        return is_ignored(directory.git, path, is_directory=is_directory)
    return own


def _entry(root: Path, path: str) -> Entry:
    _check_name(path)
    facts = (root / path).lstat()
    kind = stat.S_IFMT(facts.st_mode)
    if kind == stat.S_IFDIR:
        return Entry(path=path, kind=kind)
    if kind == stat.S_IFREG:
        executable = bool(facts.st_mode & stat.S_IXUSR)
        return Entry(path=path, kind=kind, size=facts.st_size, executable=executable)
    if kind == stat.S_IFLNK:
        return Entry(path=path, kind=kind, target=_link_target(root, path))
    raise Rejected(
        f"{path}: is a pipe, socket or device and cannot be packed",
        hint=_leave_out(path),
    )


def _link_target(root: Path, path: str) -> str:
    target = os.readlink(root / path)  # noqa: PTH115 - pathlib would normalise the text
    _check_name(target)
    top = os.path.realpath(root)
    real = os.path.realpath(root / path)
    below = os.path.normpath(f"{path}/../{target}")
    if (
        os.path.isabs(target)  # noqa: PTH117 - as above
        or below.split("/")[0] == ".."
        or not Path(real).is_relative_to(top)
    ):
        raise Rejected(
            f"{path}: is a link to {target}, which is not inside the code directory",
            hint=f"copy what it points to into the directory, or {_leave_out(path)}",
        )
    return target


def _check_name(path: str) -> None:
    try:
        path.encode()
    except UnicodeEncodeError as exc:
        raise Rejected(
            f"{os.fsencode(path)!r}: the name is not valid UTF-8", hint="rename the file"
        ) from exc


def _check_size(entry: Entry, limits: PackLimits) -> None:
    if entry.size > limits.file_bytes:
        raise Rejected(
            f"{entry.path}: has {entry.size} bytes; one file may have {limits.file_bytes}",
            hint=f"keep data outside the code directory, or {_leave_out(entry.path)}",
        )


def _check_limits(entry: Entry, total: int, count: int, limits: PackLimits) -> None:
    if total > limits.total_bytes:
        raise Rejected(
            f"{entry.path}: with it the code has more than {limits.total_bytes} bytes",
            hint="keep data outside the code directory, or list it in .launchkitignore",
        )
    if count >= limits.files:
        raise Rejected(
            f"{entry.path}: with it the code has more than {limits.files} files and directories",
            hint="list in .launchkitignore what the job does not need",
        )


def _unreadable(path: str, exc: OSError) -> Rejected:
    return Rejected(f"{path}: cannot be read: {exc.strerror}", hint=_leave_out(path))


def _leave_out(path: str) -> str:
    return f"list /{path} in .launchkitignore to leave it out"
