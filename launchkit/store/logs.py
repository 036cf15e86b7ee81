"""Logs: what runs printed, by attempt and byte offset, without gaps."""

from dataclasses import dataclass

from launchkit.errors import QueueError
from launchkit.model import Claim, ItemState, LogPage
from launchkit.store.claims import lost
from launchkit.store.database import Tx
from launchkit.store.launches import find


@dataclass(frozen=True)
class Append:
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
            raise QueueError(f"log of {item.id}: output from {size} to {self.offset} is missing")
        new = self.data[size - self.offset :]
        if new:
            await tx.all(
                "add_log",
                item=item.id,
                attempt=item.attempt,
                offset=size,
                size=len(new),
                data=new,
            )
            tx.publish(f"log:{item.id}")


@dataclass(frozen=True)
class Size:
    """How much of the log of the claim's attempt is stored."""

    claim: Claim

    async def __call__(self, tx: Tx) -> int:
        return await log_size(tx, self.claim.item.id, self.claim.item.attempt)


@dataclass(frozen=True)
class Read:
    """A piece of a log from *offset* on."""

    entity: str
    item_id: str
    attempt: int | None
    offset: int

    async def __call__(self, tx: Tx) -> LogPage:
        item = await find(tx, self.entity, self.item_id)
        attempt = self.attempt or item["attempt"]
        size = await log_size(tx, item["id"], attempt)
        over = ItemState(item["state"]).ended or attempt < item["attempt"]
        data = b""
        if self.offset < size:
            piece = await tx.row("log_piece", item=item["id"], attempt=attempt, offset=self.offset)
            data = piece["data"][self.offset - piece["offset"] :]
        return LogPage(offset=self.offset, data=data, size=size, complete=over)


async def log_size(tx: Tx, item_id: str, attempt: int) -> int:
    """How many bytes of a log are stored."""
    row = await tx.one("log_end", item=item_id, attempt=attempt)
    return int(row["n"]) if row else 0
