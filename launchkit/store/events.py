"""The record of what happened."""

from collections.abc import Set
from typing import Literal

import anyio

from launchkit.errors import Unreachable
from launchkit.model import ItemState
from launchkit.plain_text import shortened
from launchkit.store import topics
from launchkit.store.database import Database, Row, Tx

Kind = Literal["state", "progress", "warning", "stop", "lease", "priority", "queue"]

MOST_CHARACTERS = 16 * 2**10
"""Of a cause: a page has 500 of them."""
SETTLE_SECONDS = 10.0
"""How long those who write are waited for."""
LOOK_SECONDS = 0.02


async def record(
    tx: Tx, item: Row, kind: Kind, actor: str, cause: str | None, state: ItemState | None = None
) -> None:
    """Add an event to an item, and wake those who follow it. A cause that is too long is shortened
    with a mark.
    """
    await tx.all(
        "add_event",
        queue=item["queue_id"],
        item=item["id"],
        kind=kind,
        actor=actor,
        attempt=item["attempt"],
        state=state,
        cause=None if cause is None else shortened(cause, MOST_CHARACTERS),
    )
    tx.publish(topics.of_item(item["entity"], item["id"]), f"entity:{item['entity']}")


async def record_queue(tx: Tx, queue: Row, actor: str, cause: str) -> None:
    """Add an event to a queue, and wake those who wait for its items, or follow its entity."""
    await tx.all(
        "add_event",
        queue=queue["id"],
        item=None,
        kind="queue",
        actor=actor,
        attempt=0,
        state=None,
        cause=shortened(cause, MOST_CHARACTERS),
    )
    tx.publish(f"queue:{queue['id']}", f"entity:{queue['entity']}")


async def settled(database: Database) -> int:
    """The id of an event up to which no more will come. Events of several items are numbered as
    they are written, which is not the order in which they are committed: who goes on after the last
    one that could be read would pass over those that are committed later. So the last number is
    read first, and those who write at that time are waited for; what they wrote can be read then.

    :raises Unreachable: if one of them does not end.
    """
    last, writers = await database.read(_last_and_writers)
    try:
        with anyio.fail_after(SETTLE_SECONDS):
            while writers:
                await anyio.sleep(LOOK_SECONDS)
                writers &= (await database.read(_last_and_writers))[1]
    except TimeoutError:
        raise Unreachable(
            f"one who writes events into the queue's database has not ended for"
            f" {SETTLE_SECONDS:g} s",
            hint="see pg_stat_activity for a session that is idle in transaction",
        ) from None
    return last


async def _last_and_writers(tx: Tx) -> tuple[int, Set[str]]:
    last = await tx.row("last_event")
    return last["id"], {row["writer"] for row in await tx.all("event_writers")}
