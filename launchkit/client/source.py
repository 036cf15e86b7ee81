"""From what a user names (an image, a git address, a directory) to a source that can be stored."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio

from launchkit.abc import Fetcher, Jobs
from launchkit.code.remotes import looks_like_git
from launchkit.errors import Rejected
from launchkit.model import ArchiveSource, GitSource, Source
from launchkit.plugins import Plugins
from launchkit.shell_words import shell_word

CHUNK = 1 << 20


async def source_of(
    uri: str, ref: str | None, jobs: Jobs, plugins: Plugins, *, store: bool = True
) -> Source:
    """A git source with its commit, or a local directory packed and, with *store*, stored.

    :raises Rejected: if it is neither, or may not be packed.
    :raises FetchError: if the git remote cannot be reached.
    """
    if looks_like_git(uri):
        return await pinned(GitSource(remote=uri, ref=ref), plugins)
    directory = Path(uri)
    if _is_repository(directory):
        return await source_of(_address(directory), ref, jobs, plugins, store=store)
    if ref is not None:
        raise Rejected(
            f"{uri} is a local directory, which has no git ref {ref!r}",
            hint=f"to launch what is committed in it: -u {shell_word(_address(directory))}",
        )
    return await store_directory(directory, jobs, store=store)


async def pinned(source: Source, plugins: Plugins) -> Source:
    """The source with the commit that a branch or tag means now, if it names one.

    :raises FetchError: if the git remote cannot be reached.
    """
    if not isinstance(source, GitSource) or source.commit is not None:
        return source
    return await plugins.create(Fetcher, source.kind, {}).pin(source)


def _is_repository(directory: Path) -> bool:
    """Whether it is a bare repository, or the `.git` of another."""
    head, objects = directory / "HEAD", directory / "objects"
    return os.path.isfile(head) and os.path.isdir(objects)  # noqa: PTH112,PTH113 - or it is unseen


def _address(directory: Path) -> str:
    return directory.resolve().as_uri()


async def store_directory(directory: Path, jobs: Jobs, *, store: bool = True) -> ArchiveSource:
    """Pack a directory; store it unless the same content is stored already, or not *store*."""
    from launchkit.code.pack import pack

    with TemporaryDirectory(prefix="launchkit-") as folder:
        packed = Path(folder) / "code.tar.gz"
        source = await anyio.to_thread.run_sync(pack, directory, packed)
        if store and not await jobs.has_archive(source.digest):
            await jobs.put_archive(source.digest, _chunks(packed))
        return source


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    async with await anyio.open_file(path, "rb") as file:
        while data := await file.read(CHUNK):
            yield data
