"""Logs: what runs printed, by attempt and byte offset, without gaps.

What comes is kept as it comes until a whole piece is together; that is kept compressed, as one row.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from launchkit.errors import Conflict, QueueError
from launchkit.model import Claim, ItemState, LogPage
from launchkit.store import topics
from launchkit.store.database import Row, Tx
from launchkit.store.launches import find
from launchkit.store.stale import lost

PIECE = 256 * 2**10
"""Bytes of a log that are kept together; pieces begin at multiples of it."""
PAGE = 2**20
"""Bytes that are read at once, and up to a piece more."""
LEVEL = 1
"""Of compression: output is written once and read seldom, and must not wait."""


class Append(NamedTuple):
    """Add output to the log of the claim's attempt; what is stored already is skipped."""

    claim: Claim
    offset: int
    data: bytes

    async def __call__(self, tx: Tx) -> None:
        item = self.claim.item
        row = await tx.one("held_item", id=item.id, token=self.claim.token)
        if row is None or row["lease_until"] is None:
            raise lost(self.claim, await tx.one("item_locked", id=item.id))
        size = await log_size(tx, item.id, item.attempt)
        if self.offset > size:
            raise Conflict(
                f"log of {item.id}: output from {size} to {self.offset} is missing",
                hint=f"send it from byte {size} on",
            )
        new = self.data[size - self.offset :]
        if new:
            await self._add(tx, size, new)
            tx.publish(topics.of_log(row["entity"], item.id))

    async def _add(self, tx: Tx, size: int, new: bytes) -> None:
        """Pieces that become whole are packed, with what is there of the first of them."""
        of = {"item": self.claim.item.id, "attempt": self.claim.item.attempt}
        begin = size - size % PIECE
        if size + len(new) >= begin + PIECE:
            taken = sorted(
                await tx.all("take_log", offset=begin, **of), key=lambda row: int(row["offset"])
            )
            size = taken[0]["offset"] if taken else size
            new = b"".join([*map(plain, taken), new])
        for offset, data in _cut(size, new):
            packed = zlib.compress(data, LEVEL) if (offset + len(data)) % PIECE == 0 else data
            small = len(packed) < len(data)
            await tx.all(
                "add_log",
                offset=offset,
                size=len(data),
                data=packed if small else data,
                packed=int(small),
                **of,
            )


class Size(NamedTuple):
    """How much of the log of the claim's attempt is stored."""

    claim: Claim

    async def __call__(self, tx: Tx) -> int:
        return await log_size(tx, self.claim.item.id, self.claim.item.attempt)


@dataclass(frozen=True)
class Stored:
    """A page of a log as it is kept."""

    offset: int
    rows: Sequence[Row]
    """Of `log`; the first has the byte at *offset*."""
    size: int
    complete: bool

    def page(self, pieces: Sequence[bytes]) -> LogPage:
        """The page, of the plain bytes of its rows."""
        data = b"".join(pieces)
        if self.rows:
            data = data[self.offset - self.rows[0]["offset"] :]
        return LogPage(offset=self.offset, data=data, size=self.size, complete=self.complete)


class Look(NamedTuple):
    """A page of a log from *offset* on, as it is kept."""

    entity: str
    item_id: str
    attempt: int | None
    offset: int

    async def __call__(self, tx: Tx) -> Stored:
        item = await find(tx, self.entity, self.item_id, "head")
        attempt = self.attempt or item["attempt"]
        size = await log_size(tx, item["id"], attempt)
        over = ItemState(item["state"]).ended or attempt < item["attempt"]
        rows: Sequence[Row] = ()
        if self.offset < size:
            rows = await tx.all(
                "log_piece", item=item["id"], attempt=attempt, offset=self.offset, limit=PAGE
            )
        return Stored(self.offset, rows, size, over)


class Read(NamedTuple):
    """A page of a log from *offset* on."""

    entity: str
    item_id: str
    attempt: int | None
    offset: int

    async def __call__(self, tx: Tx) -> LogPage:
        stored = await Look(self.entity, self.item_id, self.attempt, self.offset)(tx)
        return stored.page([*map(plain, stored.rows)])


class Old(NamedTuple):
    """Some pieces that are kept here of items that ended before a Unix time."""

    before: float
    limit: int

    async def __call__(self, tx: Tx) -> Sequence[Row]:
        return await tx.all("old_log_pieces", before=self.before, limit=self.limit)


class Moved(NamedTuple):
    """A piece is kept elsewhere now."""

    piece: Row
    place: str

    async def __call__(self, tx: Tx) -> None:
        of = {name: self.piece[name] for name in ("item", "attempt", "offset")}
        await tx.all("move_log_piece", place=self.place, empty=b"", **of)


@dataclass(frozen=True)
class LogEnd:
    """How far the log of an item's latest attempt goes."""

    item: str
    attempt: int
    size: int
    complete: bool


class Ends(NamedTuple):
    """How far the logs of some items go; those that are not there are left out."""

    entity: str
    item_ids: Sequence[str]

    async def __call__(self, tx: Tx) -> list[LogEnd]:
        rows = [await tx.one("head_of_id", entity=self.entity, ref=one) for one in self.item_ids]
        return [
            LogEnd(
                item=row["id"],
                attempt=row["attempt"],
                size=await log_size(tx, row["id"], row["attempt"]),
                complete=ItemState(row["state"]).ended,
            )
            for row in rows
            if row is not None
        ]


async def log_size(tx: Tx, item_id: str, attempt: int) -> int:
    """How many bytes of a log are stored."""
    row = await tx.one("log_end", item=item_id, attempt=attempt)
    return int(row["n"]) if row else 0


def plain(row: Row) -> bytes:
    """The bytes of a row of `log`.

    :raises QueueError: if they are kept elsewhere.
    """
    if row["place"]:
        raise QueueError(
            "this part of the log is kept by the queue service, beside its database",
            hint="reach the queue through its service: --backend http://…",
        )
    return unpacked(row, bytes(row["data"]))


def unpacked(row: Row, data: bytes) -> bytes:
    """What *data*, which a row of `log` stands for, is when plain."""
    return zlib.decompress(data) if row["packed"] else data


def _cut(offset: int, data: bytes) -> Iterator[tuple[int, bytes]]:
    """*data*, which begins at *offset*, cut where pieces begin."""
    at = 0
    while at < len(data):
        end = at + PIECE - (offset + at) % PIECE
        yield offset + at, data[at:end]
        at = end
