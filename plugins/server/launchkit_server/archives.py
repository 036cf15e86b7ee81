"""Packed code at the service: in pieces, in the database or among the blobs, checked when whole."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import anyio.to_thread

from launchkit.code.unpack import DamagedArchive
from launchkit.code.verify import Verifier
from launchkit.errors import Conflict, NotFound, Unreachable
from launchkit.store import archives as bodies
from launchkit.store.archives import Piece, StoredCode
from launchkit.store.database import Database
from launchkit.wire.user_side import ArchiveKnown
from launchkit_server.blobs import Blobs, needed
from launchkit_server.problems import Refusal

IN_THE_DATABASE = 2**20
"""Bytes of a piece that is a row."""
TRIES = 3
"""How often what was changed while it was looked at is looked at again."""
AMONG_THE_BLOBS = 8 * 2**20
"""Bytes of a piece that is a blob."""
MOST = 5 * 2**30
"""Bytes of packed code, compressed, however many requests bring it."""


@dataclass(frozen=True)
class Archives:
    """Packed code by its digest."""

    database: Database
    blobs: Blobs | None
    most: int = MOST

    async def known(self, digest: str, sender: str) -> ArchiveKnown:
        """Whether it is there, which keeps it for a while longer; and how much of it from them."""
        stored = await self.database.read(bodies.Look(digest, sender))
        known = stored.known and await self.database.write(bodies.Use(digest))
        return ArchiveKnown(known=known, size=stored.size)

    async def put(
        self, digest: str, sender: str, offset: int, stream: AsyncIterator[bytes]
    ) -> None:
        """Take it from byte *offset* on; it is known once all of it is there, and is what its
        digest says. None but the *sender* goes on with it, or begins it anew.

        :raises Conflict: if it does not begin where what is there ends.
        :raises DamagedArchive: if it is something else; it is to be sent from the start then.
        :raises Refusal: if it is more than it may be.
        """
        stored = await self.database.read(bodies.Look(digest, sender))
        if stored.known:
            async for _ in stream:
                pass
            return
        if offset not in {0, stored.size}:
            raise Conflict(
                f"{stored.size} bytes of {digest} are here, and these begin at {offset}",
                hint=f"send it from byte {stored.size} on, or from the start",
            )
        number, size = len(stored.pieces) if offset else 0, offset
        async for data in cut(stream, AMONG_THE_BLOBS if self.blobs else IN_THE_DATABASE):
            size += len(data)
            if size > self.most:
                raise self._too_much()
            await self._add(digest, stored.upload, number, data)
            number += 1
        await self.database.write(bodies.Forget(stored.upload, number))
        await self._seal(digest, sender)

    async def _add(self, digest: str, upload: str, number: int, data: bytes) -> None:
        checksum = await anyio.to_thread.run_sync(_checksum, data)
        place = await self.blobs.put(data) if self.blobs else None
        piece = Piece(number, len(data), checksum, place)
        await self.database.write(bodies.AddPiece(digest, upload, piece, b"" if place else data))

    async def _seal(self, digest: str, sender: str) -> None:
        """Look at what is stored, not at what came: the same one may send it twice at a time."""
        for _ in range(TRIES):
            stored = await self.database.read(bodies.Look(digest, sender))
            if not stored.known:
                if stored.kept > self.most:  # the same one sends it several times at once
                    await self.database.write(bodies.Forget(stored.upload))
                    raise self._too_much()
                await self._verify(digest, stored)
            if await self.database.write(bodies.Seal(digest, sender, stored.pieces)):
                return
        raise Conflict(f"{digest} was sent by many at a time", hint="send it again")

    def _too_much(self) -> Refusal:
        return Refusal(413, f"packed code has at most {self.most} bytes here")

    async def _verify(self, digest: str, stored: StoredCode) -> None:
        verifier = Verifier(digest)
        try:
            async for data in self._pieces(digest, stored):
                await anyio.to_thread.run_sync(verifier.add, data)
            verifier.finish()
        except DamagedArchive:
            await self.database.write(bodies.Forget(stored.upload))
            raise

    async def get(self, digest: str) -> AsyncIterator[bytes]:
        """Its pieces, read one by one. :raises NotFound: if it is not there, before the first."""
        stored = await self.database.read(bodies.Look(digest, ""))
        if not stored.known:
            raise NotFound(f"there is no code with the digest {digest} in the queue's store")
        return self._pieces(digest, stored)

    async def _pieces(self, digest: str, stored: StoredCode) -> AsyncIterator[bytes]:
        for piece in stored.pieces:
            data, place = await self.database.read(bodies.GetPiece(stored.upload, piece.number))
            if place is not None:
                data = await needed(self.blobs).get(place)
            if piece.checksum not in {None, await anyio.to_thread.run_sync(_checksum, data)}:
                raise Unreachable(f"piece {piece.number} of {digest} is damaged where it is kept")
            yield data


def _checksum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def cut(stream: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    """The same bytes in pieces of that size."""
    held = bytearray()
    async for data in stream:
        held += data
        while len(held) >= size:
            yield bytes(held[:size])
            del held[:size]
    if held:
        yield bytes(held)
