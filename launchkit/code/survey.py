"""What of a code directory is packed: its ignore files, its limits and what is refused."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from launchkit.addresses import masked_path
from launchkit.code.ignore import RuleFile, is_ignored, parse_rules
from launchkit.code.ignore_file import ignore_text
from launchkit.code.inside import Inside, inside, require_short
from launchkit.code.links import leads_out
from launchkit.code.no_code import is_no_code
from launchkit.errors import Rejected
from launchkit.plain_text import visible_line

MOST_TOLD = 20
"""So many of the things that cannot be packed are named."""
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
class _Directory:
    path: str
    git: tuple[RuleFile, ...] = ()
    own: tuple[RuleFile, ...] = ()


@dataclass
class _Refused:
    """What cannot be packed; the rest is looked at all the same, so that all of it is told."""

    first: list[Rejected] = field(default_factory=list)
    more: int = 0

    def add(self, problem: Rejected) -> None:
        if len(self.first) < MOST_TOLD:
            self.first.append(problem)
        else:
            self.more += 1

    def told(self) -> Rejected:
        if len(self.first) == 1:
            return self.first[0]
        lines = [f"{len(self.first) + self.more} things cannot be packed:"]
        lines += map(str, self.first)
        lines += [f"and {self.more} more"] if self.more else []
        return Rejected(
            "\n".join(lines),
            hint="copy what the job needs of them into the directory; list the rest in"
            " .launchkitignore, each in a line, to leave it out",
        )


def _require_folder(root: Path) -> None:
    try:
        if root.is_dir():
            return
        what = "is not a directory" if root.exists() else "does not exist"
    except OSError as exc:
        what = f"cannot be read: {exc.strerror}"
    raise Rejected(f"{masked_path(str(root))} {what}", hint="name the directory with your code")


def survey(root: Path, limits: PackLimits) -> list[Entry]:
    """List what is packed of *root*, parents first, in one order on every machine.

    Left out are `.git`, virtual environments, caches of Python's tools, a queue that is kept there
    and what `.gitignore` files ignore; `.launchkitignore` files, which are written alike, have the
    last word.

    :raises Rejected: if something in it cannot be packed, or it is too much; names all of it.
    """
    _require_folder(root)
    refused = _Refused()
    entries = _within(limits, _walk(root, refused), refused)
    if refused.first:
        raise refused.told()
    if all(entry.kind == stat.S_IFDIR for entry in entries):
        raise Rejected(
            f"{root}: there is nothing to pack",
            hint="the directory is empty, or .gitignore and .launchkitignore leave out all of it",
        )
    return entries


def _within(limits: PackLimits, walk: Iterator[Entry], refused: _Refused) -> list[Entry]:
    """What is found, until it is too much."""
    entries: list[Entry] = []
    total = 0
    for entry in walk:
        total += entry.size
        if entry.size > limits.file_bytes:
            refused.add(_large(entry, limits))
        if too_much := _too_much(entry, total, len(entries), limits):
            refused.add(too_much)
            break
        entries.append(entry)
    return entries


def _walk(root: Path, refused: _Refused) -> Iterator[Entry]:
    """All that is packed: a stack of directories, because a tree may be deeper than Python's."""
    try:
        with inside(root) as tree:
            below = [_found(root, tree, _Directory(""), refused)]
            while below:
                entry, here = next(below[-1], (None, None))
                if entry is None or here is None:
                    below.pop()
                    continue
                yield entry
                if entry.kind == stat.S_IFDIR:
                    below.append(_found(root, tree, replace(here, path=entry.path), refused))
    except OSError as exc:
        raise _unreadable(str(root), exc) from exc


def _found(
    root: Path, tree: Inside, directory: _Directory, refused: _Refused
) -> Iterator[tuple[Entry, _Directory]]:
    """What is packed of one directory, with the directory and its rules."""
    base = f"{directory.path}/" if directory.path else ""
    try:
        names = tree.names(directory.path)
        here = _with_rules(tree, directory, base)
    except OSError as exc:
        refused.add(_unreadable(directory.path or str(root), exc))
        return
    for path in (base + name for name in names if name != ".git"):
        try:
            entry = _entry(root, tree, path, here)
        except Rejected as exc:
            refused.add(exc)
        else:
            if entry:
                yield entry, here


def _with_rules(tree: Inside, directory: _Directory, base: str) -> _Directory:
    git = _read_rules(tree, base, ".gitignore")
    own = _read_rules(tree, base, ".launchkitignore")
    return replace(directory, git=directory.git + git, own=directory.own + own)


def _read_rules(tree: Inside, base: str, name: str) -> tuple[RuleFile, ...]:
    text = ignore_text(tree, base + name)
    return () if text is None else (parse_rules(text, base),)


def _is_left_out(directory: _Directory, path: str, *, is_directory: bool) -> bool | None:
    """What the ignore files say; None if they say nothing of it."""
    own = is_ignored(directory.own, path, is_directory=is_directory)
    if own is None:
        return is_ignored(directory.git, path, is_directory=is_directory)
    return own


def _entry(root: Path, tree: Inside, path: str, here: _Directory) -> Entry | None:
    """What is packed of what stands at *path*; None if it is left out."""
    try:
        facts = tree.facts(path)
        kind = stat.S_IFMT(facts.st_mode)
        ignored = _is_left_out(here, path, is_directory=kind == stat.S_IFDIR)
        if ignored or (ignored is None and is_no_code(tree, path, kind)):
            return None
        _check_name(path)
        target = _link_target(root, tree, path) if kind == stat.S_IFLNK else ""
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    if kind in {stat.S_IFDIR, stat.S_IFLNK}:
        return Entry(path=path, kind=kind, target=target)
    if kind == stat.S_IFREG:
        executable = bool(facts.st_mode & stat.S_IXUSR)
        return Entry(path=path, kind=kind, size=facts.st_size, executable=executable)
    raise Rejected(
        f"{visible_line(path)}: is a pipe, socket or device and cannot be packed",
        hint=_leave_out(path),
    )


def _link_target(root: Path, tree: Inside, path: str) -> str:
    target = tree.target(path)
    _check_name(target)
    below = os.path.normpath(f"{path}/../{target}")
    if below.split("/")[0] == ".." or leads_out(root, path, target):
        raise Rejected(
            f"{visible_line(path)}: is a link to {visible_line(target)},"
            " which is not inside the code directory",
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
    require_short(path)


def _large(entry: Entry, limits: PackLimits) -> Rejected:
    return Rejected(
        f"{visible_line(entry.path)}: has {entry.size} bytes;"
        f" one file may have {limits.file_bytes}",
        hint=f"keep data outside the code directory, or {_leave_out(entry.path)}",
    )


def _too_much(entry: Entry, total: int, count: int, limits: PackLimits) -> Rejected | None:
    """Why nothing more is looked at."""
    if total > limits.total_bytes:
        return Rejected(
            f"{visible_line(entry.path)}: with it the code has more than"
            f" {limits.total_bytes} bytes",
            hint="keep data outside the code directory, or list it in .launchkitignore",
        )
    if count >= limits.files:
        return Rejected(
            f"{visible_line(entry.path)}: with it the code has more than"
            f" {limits.files} files and directories",
            hint="list in .launchkitignore what the job does not need",
        )
    return None


def _unreadable(path: str, exc: OSError) -> Rejected:
    return Rejected(f"{visible_line(path)}: cannot be read: {exc.strerror}", hint=_leave_out(path))


def _leave_out(path: str) -> str:
    return f"list /{visible_line(path)} in .launchkitignore to leave it out"
