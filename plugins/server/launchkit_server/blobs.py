"""Where large things are kept beside the database: a folder, or any file system that fsspec knows.

Each has a name of its own that is never used again, so that none is ever changed, and one that is
removed is nobody else's.
"""

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import anyio.to_thread

from launchkit.addresses import holds_secret, masked_address, masked_url
from launchkit.errors import ConfigError, NotFound, Unreachable
from launchkit.home import expanded
from launchkit.private_files import begin_file, make_folder
from launchkit_server.disk_room import room_for

T = TypeVar("T")


class Blobs(ABC):
    """A place for blobs. Its methods block no loop.

    :raises Unreachable: each of them, if the place cannot be reached or written now.
    """

    async def put(self, data: bytes) -> str:
        """Keep some bytes for good; gives their name."""
        name = uuid4().hex
        await self._run(lambda: self._put(name, data))
        return name

    async def get(self, name: str) -> bytes:
        """The bytes of that name. :raises NotFound: if they are gone."""
        try:
            return await self._run(lambda: self._get(name))
        except Unreachable as exc:
            if isinstance(exc.__cause__, FileNotFoundError):
                raise NotFound(f"{self.place}: what was kept there is gone: {name}") from exc
            raise

    async def remove(self, name: str) -> None:
        """Remove those bytes; no matter if they are gone."""
        await self._run(lambda: self._remove(name))

    async def older(self, before: float) -> list[str]:
        """The names of those that were made before a Unix time."""
        return await self._run(lambda: self._older(before))

    async def check(self) -> None:
        """Look whether it can be written."""
        await self.remove(await self.put(b"launchkit"))

    async def _run(self, call: Callable[[], T]) -> T:
        def told() -> T:
            with self._errors():
                return call()

        return await anyio.to_thread.run_sync(told, abandon_on_cancel=True)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            with room_for(f"the blobs at {self.place}"):
                yield
        except Unreachable:
            raise
        except Exception as exc:
            raise Unreachable(f"the blobs at {self.place}: {exc}") from exc

    place: str
    """Where it is, as it may be shown."""

    @abstractmethod
    def _put(self, name: str, data: bytes) -> None: ...

    @abstractmethod
    def _get(self, name: str) -> bytes: ...

    @abstractmethod
    def _remove(self, name: str) -> None: ...

    @abstractmethod
    def _older(self, before: float) -> list[str]: ...


class FolderBlobs(Blobs):
    """A folder on this machine, or one that all replicas mount."""

    def __init__(self, folder: Path) -> None:
        self.place = str(folder)
        self._folder = folder

    def _put(self, name: str, data: bytes) -> None:
        path = self._path(name)
        make_folder(path.parent)
        beside = path.with_suffix(".part")
        try:
            begin_file(beside)
            with beside.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.rename(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise

    def _get(self, name: str) -> bytes:
        return self._path(name).read_bytes()

    def _remove(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    def _older(self, before: float) -> list[str]:
        found = []
        for path in self._folder.glob("*/*"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    if path.suffix:
                        path.unlink()  # half a blob of a service that died
                    else:
                        found.append(path.name)
        return found

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name


class FsspecBlobs(Blobs):
    """Any file system that fsspec knows: s3, gcs, azure and many more."""

    def __init__(self, url: str) -> None:
        self.place = masked_url(url)
        try:
            import fsspec
        except ImportError as exc:
            raise ConfigError(
                f"--blobs: {self.place} needs fsspec", hint="pip install 'launchkit-server[blobs]'"
            ) from exc
        try:
            with self._errors():
                self._files, self._root = fsspec.core.url_to_fs(url)
        except Unreachable as exc:
            if isinstance(exc.__cause__, ImportError | ValueError):
                raise ConfigError(f"--blobs: {self.place}: {exc.__cause__}") from exc
            raise

    def _put(self, name: str, data: bytes) -> None:
        self._files.pipe_file(self._path(name), data)

    def _get(self, name: str) -> bytes:
        return bytes(self._files.cat_file(self._path(name)))

    def _remove(self, name: str) -> None:
        with suppress(FileNotFoundError):
            self._files.rm_file(self._path(name))

    def _older(self, before: float) -> list[str]:
        self._files.invalidate_cache()
        found = self._files.find(self._root, detail=True)
        return [path.rpartition("/")[2] for path, info in found.items() if _made(info) < before]

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name[:2]}/{name}"


def blobs_of(url: str) -> Blobs:
    """The place that a path or a URL names.

    :raises ConfigError: if nothing that is installed knows such a place, or a login is named, too:
        what reaches the place would repeat it in its errors.
    :raises Unreachable: if what reaches the place looks there already, and it does not answer.
    """
    folder = folder_of(url)
    if folder:
        return FolderBlobs(folder)
    if _names_login(url):
        raise ConfigError(
            f"--blobs: {masked_address(url)}: has a login in it",
            hint="leave it out; the variables and files of the store's own programs have it, such"
            " as AWS_ACCESS_KEY_ID, or those of fsspec, such as FSSPEC_FTP_PASSWORD",
        )
    return FsspecBlobs(url)


def folder_of(url: str) -> Path | None:
    """The folder of this machine that a path or a URL names, if it names one."""
    scheme, _, path = url.partition("://")
    is_folder = url and (not path or scheme == "file")
    return expanded(path or url).absolute() if is_folder else None


def needed(blobs: Blobs | None) -> Blobs:
    """Those where something is kept.

    :raises Unreachable: if the service was started without them.
    """
    if blobs is None:
        raise Unreachable(
            "this is kept among blobs, and this service has none",
            hint="start it with the --blobs that it was stored with",
        )
    return blobs


def _names_login(url: str) -> bool:
    """Whether a URL has a password; before an `@` alone a container of Azure's may stand."""
    _, _, rest = url.partition("://")
    return ":" in rest.rpartition("@")[0] or holds_secret(url)


def _made(info: dict[str, Any]) -> float:
    """When a file was made or changed, in each file system's own words; now if it does not say."""
    for key in ("LastModified", "last_modified", "mtime", "updated", "modified", "created"):
        when = info.get(key)
        if isinstance(when, str):
            when = datetime.fromisoformat(when)
        if isinstance(when, datetime):
            return when.timestamp()
        if isinstance(when, int | float):
            return float(when)
    return time.time()
