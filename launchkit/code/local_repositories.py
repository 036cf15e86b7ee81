"""Git repositories of the machine that fetches them: which directory an address means, and whether
all that git reads of it lies where the machine's owner lets launches take code from.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote_to_bytes

from launchkit.addresses import masked
from launchkit.errors import Rejected

SCHEME = "file://"
ELSEWHERE = ("commondir", "objects/info/alternates")
"""Files of a repository that name another directory, which git then reads as well."""
PARTS = ("HEAD", "objects", "refs")
"""A directory with these is a repository to git."""
READ = (*PARTS, "config", "config.worktree", "info", "lfs", "packed-refs", "reftable", "shallow")
"""What git and git-lfs read of a repository to give it away; other links, as to hooks, do nothing.
"""


def local_path(remote: str) -> Path:
    """The directory that a `file:///…` address means to git, to which `#` and `?` are letters."""
    return Path(os.fsdecode(unquote_to_bytes(remote.removeprefix(SCHEME))))


def allowed_repository(at: Path, remote: str, below: Sequence[str]) -> Path:
    """The directory in which git keeps the repository *at*, which *remote* means: below one of some
    directories, wherever links lead, and with nothing in it that leads elsewhere.

    What is part of another repository's code is not taken: whoever writes that code writes all of
    it, and may do so again after this has looked.

    :raises Rejected: if it is another one.
    """
    path = Path(os.path.realpath(at))
    places = [Path(os.path.realpath(Path(one).expanduser())) for one in below]
    places = [place for place in places if path.is_relative_to(place)]
    if not places:
        raise Rejected(
            f"git remote {masked(remote)!r}: the agent's owner lets launches take no repository of"
            " its machine from there",
            hint="push it to a server, or have its directory named in policy.local_repositories",
        )
    top = path.parent if path.name == ".git" else path
    around = [next(_around(top, place), None) for place in places]
    if all(around):
        raise Rejected(
            f"git remote {masked(remote)!r}: stands in another repository, {around[0]}, and such a"
            " one is not taken from the agent's machine",
            hint="push it to a server, or have its own directory named in"
            " policy.local_repositories",
        )
    return _kept(top, remote)


def _around(top: Path, place: Path) -> Iterator[Path]:
    """The repositories that *top* stands in, from *place* downwards."""
    for folder in top.parents[: max(0, len(top.parts) - len(place.parts))]:
        if os.path.lexists(folder / ".git") or _is_bare(folder):
            yield folder


def _is_bare(folder: Path) -> bool:
    return all(os.path.lexists(folder / part) for part in PARTS)


def _kept(top: Path, remote: str) -> Path:
    """Where git keeps the repository *top*: in `.git`, or in itself if it is a bare one."""
    kept = top / ".git" if os.path.lexists(top / ".git") else top
    if kept.is_symlink() or not _is_bare(kept):
        raise Rejected(
            f"git remote {masked(remote)!r}: is not the top of a repository, bare or with a"
            " directory .git; no link and no file .git is followed on the agent's machine",
            hint="name what `git rev-parse --path-format=absolute --git-common-dir` says there",
        )
    leading = next(_leading_out(kept), None)
    if leading:
        raise Rejected(
            f"git remote {masked(remote)!r}: its {leading.relative_to(top)} leads to other places,"
            " and such a repository is not taken from the agent's machine",
            hint="push it to a server, or name a copy of it that stands alone:"
            " git clone --no-local …",
        )
    return kept


def _leading_out(kept: Path) -> Iterator[Path]:
    yield from (kept / name for name in ELSEWHERE if os.path.lexists(kept / name))
    below, seen = [kept / name for name in READ], set[Path]()
    while below:
        path = below.pop()
        real = Path(os.path.realpath(path))
        if not real.is_relative_to(kept):
            yield path
        elif real not in seen and real.is_dir():
            seen.add(real)
            with os.scandir(real) as found:
                below += [Path(one) for one in found if one.is_symlink() or one.is_dir()]
