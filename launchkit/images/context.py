"""The build context: the files that an image is built from, and the stream that a builder sends."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from launchkit.code.globs import Comparisons
from launchkit.code.ignore_file import ignore_text
from launchkit.code.inside import Inside, inside, require_short
from launchkit.code.survey import Entry
from launchkit.code.tar_stream import tar_chunks as file_chunks
from launchkit.code.tar_stream import tar_end, tar_text
from launchkit.code.threads import go_on
from launchkit.errors import BuildError, Rejected
from launchkit.images.dockerignore import Matches, Patterns, parse_dockerignore
from launchkit.plain_text import shortened, visible_line

NEVER_SENT = ".git\n**/.git\n"
"""A repository's history changes with each fetch, and with it would every tag."""

MOST_ENTRIES = 500_000
"""Each of them is remembered."""
MOST_PATH_BYTES = 64 * 1024**2
"""Of the paths of all of them, and of what links lead to."""


@dataclass(frozen=True, kw_only=True)
class BuildPlan:
    """All that decides what an image will hold."""

    context: Path
    """The directory that the entries stand in."""
    entries: tuple[Entry, ...]
    """Parents first, in one order on every machine."""
    dockerfile: str
    """Its text."""
    dockerfile_name: str
    """Its path in what is sent."""
    base_images: tuple[str, ...]
    """The images that the Dockerfile takes anything from."""
    generated: bool
    """The Dockerfile is launchkit's, and stands beside the directory `src` with the entries."""
    warnings: tuple[str, ...] = ()

    @property
    def prefix(self) -> str:
        """What the paths of entries begin with in what is sent."""
        return "src/" if self.generated else ""


def tar_chunks(plan: BuildPlan) -> Iterator[bytes]:
    """The build context as a tar, piece by piece as long as it is wanted.

    :raises BuildError: if a file cannot be read, or has changed since the plan was made.
    """
    size = 0
    try:
        for chunk in _parts(plan):
            go_on()
            size += len(chunk)
            yield chunk
    except Rejected as exc:
        raise BuildError(exc.message, hint=exc.hint) from exc
    except OSError as exc:
        raise BuildError(f"{plan.context}: cannot be read: {exc.strerror}") from exc
    yield tar_end(size)


def _parts(plan: BuildPlan) -> Iterator[bytes]:
    if plan.generated:
        yield tar_text(plan.dockerfile_name, plan.dockerfile)
    with inside(plan.context) as tree:
        yield from file_chunks(tree, plan.entries, ".dockerignore", plan.prefix)


def list_context(root: Path, dockerfile: str | None) -> tuple[Entry, ...]:
    """List what is sent of *root*; *dockerfile*, a path in it, is sent even if it is ignored.

    The rules are those of `<dockerfile>.dockerignore`, else of `.dockerignore`. `.git` is left out
    unless a line `!.git` asks for it.

    :raises Rejected: if the rules are malformed, something cannot be sent, or it is too much; names
        the path.
    """
    place = ".dockerignore"
    try:
        with inside(root) as tree:
            patterns, place = _read_patterns(tree, dockerfile)
            kept = {dockerfile, place} if dockerfile else set()
            return tuple(_bounded(_walk(_Walk(tree, patterns, frozenset(kept)))))
    except OSError as exc:
        raise Rejected(
            f"{visible_line(str(exc.filename or root))}: cannot be read: {exc.strerror}",
            hint=f"list it in {place} to leave it out",
        ) from exc


def _bounded(entries: Iterator[Entry]) -> Iterator[Entry]:
    """A small repository may have any number of equal files, in directories with long names."""
    paths = 0
    for count, entry in enumerate(entries):
        paths += entry.path_bytes
        if paths > MOST_PATH_BYTES:
            raise Rejected(
                f"{visible_line(shortened(entry.path, 40))}: with it the paths of what would be"
                f" sent to the builder, and where links lead to, have more than {MOST_PATH_BYTES}"
                " bytes",
                hint="list in .dockerignore what the image does not need, or give directories"
                " shorter names",
            )
        if count == MOST_ENTRIES:
            raise Rejected(
                f"{visible_line(entry.path)}: with it more than {MOST_ENTRIES} files and"
                " directories would be sent to the builder",
                hint="list in .dockerignore what the image does not need",
            )
        yield entry


@dataclass(frozen=True)
class _Below:
    """A directory that is looked through."""

    path: str
    names: Iterator[str]
    matches: Matches


@dataclass(frozen=True)
class _Walk:
    tree: Inside
    patterns: Patterns
    kept: frozenset[str | None]
    comparisons: Comparisons = field(default_factory=Comparisons)

    def may_hold_kept(self, directory: str) -> bool:
        """Whether an ignored directory must be looked into all the same."""
        return self.patterns.keeps_some or any(
            path and path.startswith(f"{directory}/") for path in self.kept
        )


def _read_patterns(tree: Inside, dockerfile: str | None) -> tuple[Patterns, str]:
    place = f"{dockerfile}.dockerignore"
    text = ignore_text(tree, place) if dockerfile else None
    if text is None:
        place = ".dockerignore"
        text = ignore_text(tree, place) or ""
    before = parse_dockerignore(NEVER_SENT, "")
    return Patterns(before.lines + parse_dockerignore(text, place).lines), place


def _walk(walk: _Walk) -> Iterator[Entry]:
    """Everything that is sent: a stack of directories, because a tree may be deeper than Python's.
    An ignored one is sent with the first that is sent of what is below it.
    """
    below = [_Below("", iter(walk.tree.names("")), ())]
    waiting: list[Entry] = []
    while below:
        here = below[-1]
        go_on()
        name = next(here.names, None)
        if name is None:
            below.pop()
            if waiting and waiting[-1].path == here.path:
                waiting.pop()
            continue
        path = f"{here.path}/{name}" if here.path else name
        compare = partial(walk.patterns.matches, path, here.matches)
        matches = walk.comparisons.of(path, compare)
        ignored = walk.patterns.ignores(matches) and path not in walk.kept
        facts = walk.tree.facts(path)
        is_folder = stat.S_ISDIR(facts.st_mode)
        if is_folder and (not ignored or walk.may_hold_kept(path)):
            below.append(_Below(path, iter(walk.tree.names(path)), matches))
        elif is_folder or ignored:
            continue
        waiting.append(_entry(walk.tree, path, facts))
        if not ignored:
            yield from waiting
            waiting.clear()


def _entry(tree: Inside, path: str, facts: os.stat_result) -> Entry:
    require_short(path)
    kind = stat.S_IFMT(facts.st_mode)
    if kind == stat.S_IFDIR:
        return Entry(path=path, kind=kind)
    if kind == stat.S_IFLNK:
        # a link is sent as it is written, wherever it leads: it is followed in the image only
        return Entry(path=path, kind=kind, target=tree.target(path))
    if kind == stat.S_IFREG:
        executable = bool(facts.st_mode & stat.S_IXUSR)
        return Entry(path=path, kind=kind, size=facts.st_size, executable=executable)
    raise Rejected(
        f"{visible_line(path)}: is a pipe, socket or device and cannot be sent to a builder",
        hint=f"list /{visible_line(path)} in .dockerignore to leave it out",
    )
