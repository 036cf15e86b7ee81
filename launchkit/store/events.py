"""The record of what happened."""

from typing import Literal

from launchkit.model import ItemState
from launchkit.store.database import Row, Tx

Kind = Literal["state", "progress", "warning", "stop", "lease", "priority", "queue"]


async def record(
    tx: Tx, item: Row, kind: Kind, actor: str, cause: str | None, state: ItemState | None = None
) -> None:
    """Add an event to an item, and wake those who follow it."""
    await tx.all(
        "add_event",
        queue=item["queue_id"],
        item=item["id"],
        kind=kind,
        actor=actor,
        attempt=item["attempt"],
        state=state,
        cause=cause,
    )
    tx.publish(f"item:{item['id']}", f"entity:{item['entity']}")


async def record_queue(tx: Tx, queue: int, actor: str, cause: str) -> None:
    """Add an event to a queue, and wake those who wait for its items."""
    await tx.all(
        "add_event",
        queue=queue,
        item=None,
        kind="queue",
        actor=actor,
        attempt=0,
        state=None,
        cause=cause,
    )
    tx.publish(f"queue:{queue}")
