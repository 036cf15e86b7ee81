"""Why a queue gives an agent nothing."""

from typing import NamedTuple

from launchkit.codec import decode_json
from launchkit.model import AgentCapacity, Pause
from launchkit.store import rules
from launchkit.store.database import Tx
from launchkit.store.queues import leased, named
from launchkit.store.rows import queue_of


class Blocked(NamedTuple):
    """Why a queue gives nothing although items may wait in it."""

    entity: str
    queue: str
    capacity: AgentCapacity

    async def __call__(self, tx: Tx) -> str | None:
        return (await Hindrance(self.entity, self.queue, self.capacity)(tx))[0]


class Hindrance(NamedTuple):
    """The same, and whether that is a pause, of the queue or the agent."""

    entity: str
    queue: str
    capacity: AgentCapacity

    async def __call__(self, tx: Tx) -> tuple[str | None, bool]:
        row = await named(tx, self.entity, self.queue)
        queue = queue_of(row)
        agent = self.capacity.agent
        if pause := await pause_of(tx, self.entity, agent):
            return rules.agent_paused(agent, pause), True
        paused = rules.paused(queue.pause, tx.now) is not None
        reason = self._unfit(row["resource"])
        return reason or rules.blocked(queue, await leased(tx, row["id"]), tx.now), paused

    def _unfit(self, resource: str) -> str | None:
        if resource in self.capacity.unable:
            return f"queue {self.queue} waits: {self.capacity.unable[resource]}"
        if resource not in self.capacity.resources:
            return f"queue {self.queue} needs a runner for {resource}, which is not installed"
        return None


async def pause_of(tx: Tx, entity: str, agent: str) -> Pause | None:
    """The pause of an agent, if it is paused."""
    row = await tx.one("pause_of_agent", entity=entity, name=agent)
    return decode_json(Pause, row["pause"]) if row else None
