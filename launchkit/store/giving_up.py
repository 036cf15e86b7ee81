"""The end of a launch that nobody can look at any more: its agent's machine never comes back."""

from typing import NamedTuple

from launchkit.errors import Conflict
from launchkit.model import ItemReport, ItemState, QueueItem, Verdict
from launchkit.shell_words import shell_command
from launchkit.store import topics
from launchkit.store.claims import columns
from launchkit.store.database import Row, Tx
from launchkit.store.events import record
from launchkit.store.launches import locked
from launchkit.store.queues import kept_reason
from launchkit.store.rows import item_of

HINT = "look at its machine: what may still run there is watched by nobody"


class End(NamedTuple):
    """End a launch whose agent fell silent, once, because a person says so.

    :raises Conflict: if it waits, or its agent gives signs of life.
    """

    entity: str
    ref: str
    actor: str
    reason: str | None

    async def __call__(self, tx: Tx) -> QueueItem:
        row, queue = await locked(tx, self.entity, self.ref)
        if not ItemState(row["state"]).ended:
            _require_silent(row, tx.now)
            await self._end(tx, row, queue)
            row = await tx.row("item_locked", id=row["id"])
        return item_of(row, queue["name"])

    async def _end(self, tx: Tx, row: Row, queue: Row) -> None:
        cause = f"given up by {self.actor}"
        if self.reason:
            cause = f"{cause}: {kept_reason(self.reason, queue)}"
        unseen = f"agent {row['agent']} fell silent, and nobody could look whether its run is over"
        verdict = Verdict(code="run_lost", summary=f"It was {cause}; {unseen}.", hint=HINT)
        end = ItemReport(state=ItemState.FAILED, message=cause, verdict=verdict)
        await tx.all("update_item", id=row["id"], **columns(row, end, tx.now))
        await record(tx, row, "state", self.actor, cause, ItemState.FAILED)
        tx.publish(f"queue:{row['queue_id']}", topics.of_log(row["entity"], row["id"]))


def _require_silent(row: Row, now: float) -> None:
    if row["lease_until"] is None:
        raise Conflict(
            f"launch {row['id']} is {row['state']}, and no agent has it",
            hint=f"{shell_command('launchkit', 'stop', row['id'])} ends it",
        )
    if row["lease_until"] > now:
        raise Conflict(
            f"launch {row['id']} is {row['state']}, and agent {row['agent']} gives signs of life",
            hint=f"{shell_command('launchkit', 'stop', row['id'])} has that agent end it",
        )
