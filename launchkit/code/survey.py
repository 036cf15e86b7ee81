"""What of a code directory is packed: its ignore files, its limits and what is refused."""

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from launchkit.addresses import masked_path
from launchkit.code.ignore_rules import RuleReader, Rules
from launchkit.code.inside import Inside, inside, require_short
from launchkit.code.links import Links
from launchkit.code.no_code import is_no_code
from launchkit.errors import Rejected
from launchkit.plain_text import shortened, visible_line

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
    path_bytes: int = 32 * MIB
    """Of the paths of them all, and of what links lead to: these are remembered."""


DEFAULT_LIMITS = PackLimits()


@dataclass(frozen=True, kw_only=True, slots=True)
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

    @property
    def path_bytes(self) -> int:
        """What its path, and where it points to, have."""
        return len(os.fsencode(self.path)) + len(os.fsencode(self.target))


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


class _Looked(NamedTuple):
    """What is known of a directory that is looked through."""

    tree: Inside
    reader: RuleReader
    links: Links
    refused: _Refused
    path: str = ""
    rules: Rules = Rules()


def _require_folder(root: Path) -> None:
    try:
        if root.is_dir():
            return
        what = "is not a directory" if root.exists() else "does not exist"
    except OSError as exc:
        what = f"cannot be read: {exc.strerror}"
    raise Rejected(f"{masked_path(str(root))} {what}", hint="name the directory with your code")


@contextmanager
def code_in(root: Path) -> Iterator[Inside]:
    """A code directory, for the time of the context: this one is listed and packed, whatever
    stands under its name meanwhile.

    :raises Rejected: if it is none, or cannot be read.
    """
    _require_folder(root)
    with ExitStack() as stack:
        try:
            tree = stack.enter_context(inside(root))
        except OSError as exc:
            raise _unreadable(str(root), exc) from exc
        yield tree


def survey(tree: Inside, limits: PackLimits) -> list[Entry]:
    """List what is packed of *tree*, parents first, in one order on every machine.

    Left out are `.git`, virtual environments, caches of Python's tools, a queue that is kept there
    and what `.gitignore` files ignore; `.launchkitignore` files, which are written alike, have the
    last word.

    :raises Rejected: if something in it cannot be packed, or it is too much; names all of it.
    """
    refused = _Refused()
    root = _Looked(tree, RuleReader(tree), Links(tree.target), refused)
    entries = _within(limits, _walk(root), refused)
    if refused.first:
        raise refused.told()
    if all(entry.kind == stat.S_IFDIR for entry in entries):
        raise Rejected(
            f"{tree.root}: there is nothing to pack",
            hint="the directory is empty, or .gitignore and .launchkitignore leave out all of it",
        )
    return entries


def _within(limits: PackLimits, walk: Iterator[Entry], refused: _Refused) -> list[Entry]:
    """What is found, until it is too much."""
    entries: list[Entry] = []
    total = paths = 0
    for entry in walk:
        total += entry.size
        paths += entry.path_bytes
        if entry.size > limits.file_bytes:
            refused.add(_large(entry, limits))
        if too_much := _too_much(entry, total, paths, len(entries), limits):
            refused.add(too_much)
            break
        entries.append(entry)
    return entries


def _walk(root: _Looked) -> Iterator[Entry]:
    """All that is packed: a stack of directories, because a tree may be deeper than Python's."""
    below = [_found(root)]
    while below:
        entry, here = next(below[-1], (None, None))
        if entry is None or here is None:
            below.pop()
            continue
        yield entry
        if entry.kind == stat.S_IFDIR:
            below.append(_found(here._replace(path=entry.path)))


def _found(directory: _Looked) -> Iterator[tuple[Entry, _Looked]]:
    """What is packed of one directory, with the directory and its rules."""
    folder, tree = directory.path, directory.tree
    try:
        names = tree.names(folder)
        here = directory._replace(rules=directory.reader.below(directory.rules, folder))
    except OSError as exc:
        directory.refused.add(_unreadable(folder or str(tree.root), exc))
        return
    for name in names:
        if name == ".git":
            continue
        try:
            entry = _entry(here, f"{folder}/{name}" if folder else name)
        except Rejected as exc:
            here.refused.add(exc)
        else:
            if entry:
                yield entry, here


def _entry(here: _Looked, path: str) -> Entry | None:
    """What is packed of what stands at *path*; None if it is left out."""
    tree = here.tree
    try:
        facts = tree.facts(path)
        kind = stat.S_IFMT(facts.st_mode)
        ignored = here.reader.say(here.rules, path, is_directory=kind == stat.S_IFDIR)
        if ignored or (ignored is None and is_no_code(tree, path, kind)):
            return None
        _check_name(path)
        target = _link_target(here, path) if kind == stat.S_IFLNK else ""
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


def _link_target(here: _Looked, path: str) -> str:
    target = here.tree.target(path)
    _check_name(target)
    below = os.path.normpath(f"{path}/../{target}")
    if below.split("/")[0] == ".." or here.links.lead_out(path, target):
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


def _too_much(
    entry: Entry, total: int, paths: int, count: int, limits: PackLimits
) -> Rejected | None:
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
    if paths > limits.path_bytes:
        return Rejected(
            f"{visible_line(shortened(entry.path, 40))}: with it the paths in the code, and where"
            f" its links lead to, have more than {limits.path_bytes} bytes",
            hint="give directories shorter names, or list in .launchkitignore what the job does"
            " not need",
        )
    return None


def _unreadable(path: str, exc: OSError) -> Rejected:
    return Rejected(f"{visible_line(path)}: cannot be read: {exc.strerror}", hint=_leave_out(path))


def _leave_out(path: str) -> str:
    return f"list /{visible_line(path)} in .launchkitignore to leave it out"
