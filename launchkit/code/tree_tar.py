"""A directory tree that a repository or an archive may have shaped, as a tar."""

import stat
from collections.abc import Iterator
from pathlib import Path

from launchkit.code.inside import Inside, inside, require_short
from launchkit.code.survey import Entry
from launchkit.code.tar_stream import tar_chunks, tar_end
from launchkit.code.threads import go_on


def tree_tar(root: Path) -> Iterator[bytes]:
    """All that is in *root*, each directory before what is in it, by names, piece by piece as long
    as it is wanted: without owners, times and permissions but "executable", and without devices,
    pipes and sockets. Nothing is remembered of what has been passed.

    :raises Rejected: if a file cannot be read, or there is too much.
    :raises OSError: if a directory cannot be read.
    """
    size = 0
    with inside(root) as tree:
        for chunk in tar_chunks(tree, _all_in(tree), ".launchkitignore"):
            go_on()
            size += len(chunk)
            yield chunk
    yield tar_end(size)


def _all_in(tree: Inside) -> Iterator[Entry]:
    below = [("", iter(tree.names("")))]
    while below:
        folder, names = below[-1]
        name = next(names, None)
        if name is None:
            below.pop()
            continue
        entry = _entry(tree, f"{folder}/{name}" if folder else name)
        if entry is None:
            continue
        yield entry
        if entry.kind == stat.S_IFDIR:
            below.append((entry.path, iter(tree.names(entry.path))))


def _entry(tree: Inside, path: str) -> Entry | None:
    require_short(path)
    facts = tree.facts(path)
    kind = stat.S_IFMT(facts.st_mode)
    if kind == stat.S_IFREG:
        executable = bool(facts.st_mode & stat.S_IXUSR)
        return Entry(path=path, kind=kind, size=facts.st_size, executable=executable)
    target = tree.target(path) if kind == stat.S_IFLNK else ""
    known = kind in {stat.S_IFDIR, stat.S_IFLNK}
    return Entry(path=path, kind=kind, target=target) if known else None
