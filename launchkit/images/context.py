"""The build context: the files that an image is built from, and the stream that a builder sends."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from launchkit.code.containment import has_file
from launchkit.code.survey import Entry
from launchkit.code.tar_stream import tar_chunks as file_chunks
from launchkit.code.tar_stream import tar_end, tar_text
from launchkit.errors import BuildError, Rejected
from launchkit.images.dockerignore import Matches, Patterns, parse_dockerignore

NEVER_SENT = ".git\n**/.git\n"
"""A repository's history changes with each fetch, and with it would every tag."""


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
    """The build context as a tar, piece by piece.

    :raises BuildError: if a file cannot be read, or has changed since the plan was made.
    """
    size = 0
    try:
        for chunk in _parts(plan):
            size += len(chunk)
            yield chunk
    except Rejected as exc:
        raise BuildError(exc.message, hint=exc.hint) from exc
    yield tar_end(size)


def _parts(plan: BuildPlan) -> Iterator[bytes]:
    if plan.generated:
        yield tar_text(plan.dockerfile_name, plan.dockerfile)
    yield from file_chunks(plan.context, plan.entries, ".dockerignore", plan.prefix)


def list_context(root: Path, dockerfile: str | None) -> tuple[Entry, ...]:
    """List what is sent of *root*; *dockerfile*, a path in it, is sent even if it is ignored.

    The rules are those of `<dockerfile>.dockerignore`, else of `.dockerignore`. `.git` is left out
    unless a line `!.git` asks for it.

    :raises Rejected: if the rules are malformed, or something cannot be sent; names the path.
    """
    patterns, place = _read_patterns(root, dockerfile)
    kept = {dockerfile, place} if dockerfile else set()
    try:
        return tuple(_walk(_Walk(root, patterns, frozenset(kept)), "", ()))
    except OSError as exc:
        path = os.path.relpath(exc.filename or root, root)
        raise Rejected(
            f"{path}: cannot be read: {exc.strerror}", hint=f"list it in {place} to leave it out"
        ) from exc


@dataclass(frozen=True)
class _Walk:
    root: Path
    patterns: Patterns
    kept: frozenset[str | None]

    def may_hold_kept(self, directory: str) -> bool:
        """Whether an ignored directory must be looked into all the same."""
        return self.patterns.keeps_some or any(
            path and path.startswith(f"{directory}/") for path in self.kept
        )


def _read_patterns(root: Path, dockerfile: str | None) -> tuple[Patterns, str]:
    own = f"{dockerfile}.dockerignore"
    place = own if dockerfile and has_file(root, own) else ".dockerignore"
    text = ""
    if has_file(root, place):
        text = (root / place).read_bytes().decode("utf-8", "surrogateescape")
    before = parse_dockerignore(NEVER_SENT, "")
    return Patterns(before.lines + parse_dockerignore(text, place).lines), place


def _walk(walk: _Walk, directory: str, above: Matches) -> Iterator[Entry]:
    """Everything below *directory* that is sent; *above* is what matched it."""
    for item in sorted(os.scandir(walk.root / directory), key=lambda item: item.name):
        path = directory + item.name
        matches = walk.patterns.matches(path, above)
        ignored = walk.patterns.ignores(matches) and path not in walk.kept
        if not item.is_dir(follow_symlinks=False):
            if not ignored:
                yield _entry(walk.root, path)
            continue
        if not ignored or walk.may_hold_kept(path):
            below = _walk(walk, f"{path}/", matches)
            yield from _with_parent(path, below, needed=not ignored)


def _with_parent(path: str, below: Iterator[Entry], *, needed: bool) -> Iterator[Entry]:
    """A directory and what is below it; an ignored one only if something below it is sent."""
    first = next(below, None)
    if needed or first:
        yield Entry(path=path, kind=stat.S_IFDIR)
    if first:
        yield first
        yield from below


def _entry(root: Path, path: str) -> Entry:
    facts = (root / path).lstat()
    kind = stat.S_IFMT(facts.st_mode)
    if kind == stat.S_IFLNK:
        # a link is sent as it is written, wherever it leads: it is followed in the image only
        return Entry(path=path, kind=kind, target=os.readlink(root / path))  # noqa: PTH115 - as above
    if kind == stat.S_IFREG:
        executable = bool(facts.st_mode & stat.S_IXUSR)
        return Entry(path=path, kind=kind, size=facts.st_size, executable=executable)
    raise Rejected(
        f"{path}: is a pipe, socket or device and cannot be sent to a builder",
        hint=f"list /{path} in .dockerignore to leave it out",
    )
