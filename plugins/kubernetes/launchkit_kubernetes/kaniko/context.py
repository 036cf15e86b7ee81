"""The build context, packed into one file, and the ways in which the executor gets it."""

import gzip
import hashlib
import logging
import os
import re
import shutil
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio.to_thread import run_sync

from launchkit.abc import Environment, Finding
from launchkit.code.remove_tree import remove_tree
from launchkit.errors import BuildError, LaunchError
from launchkit.images.context import BuildPlan, tar_chunks
from launchkit.model import Secret
from launchkit.private_files import make_folder
from launchkit_kubernetes.kaniko.manifest import ARCHIVE, CONTEXT_MOUNT, ContextPlace
from launchkit_kubernetes.runs.packing import MAX_PIECES, PIECE_BYTES

log = logging.getLogger("launchkit.kubernetes")

PREFIX = "launchkit-context-"
"""Begins the names of contexts in a store or a volume."""
NAME = re.compile(rf"{PREFIX}[0-9a-f]{{32}}\.tar\.gz")
FOR_THE_EXECUTOR = 0o644
"""It may run as another user than the agent."""
LINK_SECONDS = 6 * 3600.0
"""A build may wait for a machine, and be begun again."""
OLD_SECONDS = 86_400.0
"""After so long a context in a volume is nobody's any more."""


@dataclass(frozen=True)
class Archive:
    """A packed context."""

    path: Path
    digest: str
    """Of its bytes, in hex digits."""
    size: int
    ref: str = ""
    """The image that is built of it."""

    @property
    def name(self) -> str:
        """What it is called where others are, too: builds of other images have others."""
        digest = hashlib.sha256(f"{self.ref} {self.digest}".encode()).hexdigest()
        return f"{PREFIX}{digest[:32]}.tar.gz"

    async def pieces(self) -> Sequence[bytes]:
        """Its bytes, in pieces that fit into secrets."""
        data = await run_sync(self.path.read_bytes)
        return [data[at : at + PIECE_BYTES] for at in range(0, len(data), PIECE_BYTES)]


@asynccontextmanager
async def packed_context(plan: BuildPlan, folder: Path, ref: str = "") -> AsyncIterator[Archive]:
    """The context of *ref* as a file below *folder*, for the time of the context manager; equal
    plans give equal bytes.

    :raises BuildError: if it cannot be packed.
    """
    await run_sync(make_folder, folder)
    place = Path(await run_sync(lambda: tempfile.mkdtemp(prefix=PREFIX, dir=folder)))
    try:
        yield await run_sync(_pack, plan, place / ARCHIVE, ref)
    finally:
        with anyio.CancelScope(shield=True):
            await run_sync(lambda: shutil.rmtree(place, ignore_errors=True))


def _pack(plan: BuildPlan, path: Path, ref: str) -> Archive:
    try:
        with (
            path.open("wb") as file,
            gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as zipped,
        ):
            for chunk in tar_chunks(plan):
                zipped.write(chunk)
        with path.open("rb") as packed:
            digest = hashlib.file_digest(packed, "sha256").hexdigest()
        return Archive(path, digest, path.stat().st_size, ref)
    except OSError as exc:
        where = exc.filename or path
        raise BuildError(
            f"cannot pack the build context: {where}: {exc.strerror or exc}",
            hint="is there room in the agent's cache_dir?",
        ) from exc


class ContextWay(ABC):
    """One way in which the executor gets a context."""

    @abstractmethod
    def place(self, archive: Archive) -> ContextPlace:
        """Where it is to be. :raises BuildError: if it is too large."""

    async def deliver(self, archive: Archive) -> None:
        """Bring it there, in the place of what is there.

        :raises LaunchError: if it cannot be brought there.
        """

    async def link(self, archive: Archive) -> Secret | None:
        """An address from which the executor's pod fetches it, where the executor cannot read it
        by itself. :raises LaunchError: if there is none.
        """
        return None

    async def remove(self, address: str) -> None:
        """Remove the context at an address that a Job names; none is no error, and neither is an
        address that is not this way's.
        """

    async def findings(self) -> Sequence[Finding]:
        """What is to be said of it."""
        return ()

    async def sweep(self) -> None:
        """Remove what agents have left that were killed."""


class InSecrets(ContextWay):
    """In secrets of the build, which go with its Job: needs nothing but the cluster."""

    def place(self, archive: Archive) -> ContextPlace:
        """One of the build's own. :raises BuildError: if it is too large."""
        if archive.size > (longest := PIECE_BYTES * MAX_PIECES):
            raise BuildError(
                f"the build context has {archive.size / 1e6:.0f} MB packed, and {longest / 1e6:.0f}"
                " MB are the most that secrets can hold",
                hint="leave out what the image does not need, by .dockerignore; or set"
                " build-context-store or pvc-name for the builder",
            )
        pieces = max(1, -(-archive.size // PIECE_BYTES))
        return ContextPlace(address=f"tar://{CONTEXT_MOUNT}/{ARCHIVE}", pieces=pieces)


@dataclass(frozen=True)
class InStore(ContextWay):
    """In object storage, which the agent's environment writes and the executor reads."""

    store: str
    """The address below which it is put."""
    environment: Environment

    async def findings(self) -> Sequence[Finding]:
        """Whether the environment can write there."""
        return await self.environment.check_store(self.store)

    def place(self, archive: Archive) -> ContextPlace:
        """An address in the store."""
        return ContextPlace(address=f"{self._below}{archive.name}")

    async def deliver(self, archive: Archive) -> None:
        """Upload it. :raises LaunchError: if that fails."""
        await self.environment.upload(archive.path, f"{self._below}{archive.name}")

    async def link(self, archive: Archive) -> Secret | None:
        """One that the environment has signed, if it does that."""
        return await self.environment.link(f"{self._below}{archive.name}", LINK_SECONDS)

    async def remove(self, address: str) -> None:
        """Remove it from the store."""
        if not address.startswith(self._below) or not NAME.fullmatch(address[len(self._below) :]):
            return
        try:
            await self.environment.remove(address)
        except LaunchError as exc:
            log.warning("the build context %s is left: %s", address, exc)

    @property
    def _below(self) -> str:
        return f"{self.store.rstrip('/')}/"


@dataclass(frozen=True)
class InVolume(ContextWay):
    """In a volume of the cluster that the agent has mounted, too."""

    claim: str
    folder: Path
    """Where the agent has it."""

    def place(self, archive: Archive) -> ContextPlace:
        """A file of the volume, which the executor mounts alone: the steps of a build see no
        context of another.
        """
        volume = {"claimName": self.claim, "readOnly": True}
        path = f"{CONTEXT_MOUNT}/{archive.name}"
        mount = {"name": "context", "mountPath": path, "subPath": archive.name, "readOnly": True}
        return ContextPlace(
            address=f"tar://{path}",
            volumes=[{"name": "context", "persistentVolumeClaim": volume}],
            mounts=[mount],
        )

    async def deliver(self, archive: Archive) -> None:
        """Copy it. :raises BuildError: if that fails."""
        await run_sync(_copy, archive.path, self.folder / archive.name)

    async def remove(self, address: str) -> None:
        """Remove it from the volume."""
        name = address.removeprefix(f"tar://{CONTEXT_MOUNT}/")
        if not NAME.fullmatch(name):
            return
        try:
            await run_sync(lambda: (self.folder / name).unlink(missing_ok=True))
        except OSError as exc:
            log.warning("the build context %s is left: %s", self.folder / name, exc)

    async def sweep(self) -> None:
        """Remove old contexts."""
        await run_sync(remove_old, self.folder)


def _copy(source: Path, target: Path) -> None:
    try:
        with tempfile.NamedTemporaryFile(
            prefix=f"{target.name}.", dir=target.parent, delete=False
        ) as part:
            with source.open("rb") as packed:
                shutil.copyfileobj(packed, part)
            os.fchmod(part.fileno(), FOR_THE_EXECUTOR)
        Path(part.name).replace(target)
    except OSError as exc:
        raise BuildError(
            f"cannot copy the build context to {target}: {exc.strerror or exc}",
            hint="pvc-mount-path is where the agent has mounted the volume of pvc-name",
        ) from exc


def remove_old(folder: Path) -> None:
    """Remove contexts in a directory that are nobody's any more."""
    for path in folder.glob(f"{PREFIX}*"):
        try:
            if time.time() - path.lstat().st_mtime > OLD_SECONDS:
                remove_tree(path)
        except OSError as exc:
            log.info("the build context %s is left: %s", path, exc)
