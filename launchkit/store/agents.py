"""Agents: what they said of themselves, and when."""

from dataclasses import dataclass

from launchkit.model import AgentView
from launchkit.store.database import Tx
from launchkit.store.rows import agent_of
from launchkit.store.rules import ONLINE_SECONDS

SHOWN_SECONDS = 24 * 3600


@dataclass(frozen=True)
class List:
    """The agents that were seen within a day."""

    entity: str

    async def __call__(self, tx: Tx) -> list[AgentView]:
        rows = await tx.all("agents", entity=self.entity, since=tx.now - SHOWN_SECONDS)
        return [agent_of(row, tx.now - ONLINE_SECONDS) for row in rows]


@dataclass(frozen=True)
class Forget:
    """Remove an agent that has ended, or is known to be dead: its leases lapse now."""

    entity: str
    name: str
    dead: bool

    async def __call__(self, tx: Tx) -> None:
        await tx.all("forget_agent", entity=self.entity, name=self.name)
        if not self.dead:
            return
        own = f"{self.name}/"
        await tx.all("free_locks_of", own=own, size=len(own))
        for row in await tx.all("lapse_leases_of", entity=self.entity, agent=self.name):
            tx.publish(f"queue:{row['queue_id']}")
