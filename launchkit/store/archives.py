"""Packed code as a service keeps it: in pieces, which may be kept elsewhere, until nobody needs it.

What nothing refers to is collected once it was not used for a while. One who finds it known uses it
by that, and has this while to refer to it; so no upload, and no launch, can lose what it relies on.

What is not whole yet is its sender's alone: others may know the digest without having the code, and
send something else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from launchkit.errors import Unreachable
from launchkit.store.database import Tx


@dataclass(frozen=True)
class Piece:
    """One piece of packed code."""

    number: int
    size: int
    checksum: str | None
    """The SHA-256 of its bytes; None where an embedded store wrote it."""
    place: str | None
    """Where it is kept; None is the database."""


@dataclass(frozen=True)
class StoredCode:
    """What is there of some packed code."""

    known: bool
    """Whether all of it is."""
    upload: str
    """The name that its pieces have: of who has sent all of them, or sends them."""
    pieces: tuple[Piece, ...]

    @property
    def kept(self) -> int:
        """Bytes that are there, wherever."""
        return sum(piece.size for piece in self.pieces)

    @property
    def size(self) -> int:
        """Bytes that are there without a gap from the start."""
        whole = [piece for at, piece in enumerate(self.pieces) if piece.number == at]
        return sum(piece.size for piece in whole)


class Look(NamedTuple):
    """What is there for a sender: all of it, whoever has sent it, or what they have sent."""

    digest: str
    sender: str

    async def __call__(self, tx: Tx) -> StoredCode:
        known = await tx.one("archive_known", digest=self.digest)
        upload = known["upload"] if known else f"{self.digest} {self.sender}"
        rows = await tx.all("archive_pieces", digest=upload)
        return StoredCode(known is not None, upload, tuple(Piece(**dict(row)) for row in rows))


class Use(NamedTuple):
    """Keep it for a while longer; whether it is known."""

    digest: str

    async def __call__(self, tx: Tx) -> bool:
        return await tx.one("use_archive", digest=self.digest) is not None


class AddPiece(NamedTuple):
    """Store a piece, or where it is kept; what is known already stays as it is."""

    digest: str
    upload: str
    piece: Piece
    data: bytes

    async def __call__(self, tx: Tx) -> None:
        await _turn(tx, self.upload)
        if await tx.one("archive_known", digest=self.digest) is None:
            await tx.all(
                "add_archive_piece", digest=self.upload, data=self.data, **vars(self.piece)
            )


class GetPiece(NamedTuple):
    """The bytes of a piece, or where they are. :raises Unreachable: if somebody has dropped it."""

    upload: str
    number: int

    async def __call__(self, tx: Tx) -> tuple[bytes, str | None]:
        row = await tx.one("archive_piece", digest=self.upload, number=self.number)
        if row is None:
            raise Unreachable(f"piece {self.number} of {_digest(self.upload)} is there no more")
        return bytes(row["data"]), row["place"]


class Forget(NamedTuple):
    """Let go the pieces from a number on, of what is not known."""

    upload: str
    number: int = 0

    async def __call__(self, tx: Tx) -> None:
        await _turn(tx, self.upload)
        await tx.all("drop_archive_pieces", digest=self.upload, number=self.number)


class Seal(NamedTuple):
    """Say that it is known, if its pieces are those that were looked at; whether they are."""

    digest: str
    sender: str
    pieces: Sequence[Piece]

    async def __call__(self, tx: Tx) -> bool:
        await tx.all("turn_shared", what=_COLLECTING, of="")
        await _turn(tx, self.digest)
        now = await Look(self.digest, self.sender)(tx)
        if now.known:
            await Use(self.digest)(tx)
        elif tuple(self.pieces) != now.pieces:
            return False
        else:
            await tx.all("add_archive", digest=self.digest, upload=now.upload)
        await Forget(f"{self.digest} {self.sender}")(tx)  # nothing, unless another has sent it, too
        return True


_COLLECTING = "collecting packed code"
"""The turn of who collects, beside whom nobody says that code is known."""


def _digest(upload: str) -> str:
    return upload.partition(" ")[0]


async def _turn(tx: Tx, upload: str) -> None:
    """Keep others from writing what of the same code was just looked at."""
    await tx.all("turn", what="packed code", of=_digest(upload))


@dataclass(frozen=True)
class Dropped:
    """What was removed."""

    archives: int
    places: Sequence[str]
    """Where pieces are kept that are to be removed now."""


class Collect(NamedTuple):
    """Remove what nothing refers to, and uploads that were given up, if neither was used or grew
    since *before* (Unix time).
    """

    before: float

    async def __call__(self, tx: Tx) -> Dropped:
        await tx.all("turn", what=_COLLECTING, of="")
        unused = await tx.all("drop_unused_archives", before=self.before)
        rows = await tx.all("drop_stale_pieces", before=self.before)
        return Dropped(len(unused), [row["place"] for row in rows if row["place"]])


class Strangers(NamedTuple):
    """Those of some places where no piece is kept."""

    places: Sequence[str]

    async def __call__(self, tx: Tx) -> list[str]:
        return [place for place in self.places if await tx.one("kept_place", place=place) is None]
