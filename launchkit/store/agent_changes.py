"""What people want of agents."""

from typing import NamedTuple

from launchkit.abc import AgentChange, Drain, PauseAgent
from launchkit.addresses import masked
from launchkit.codec import encode_json
from launchkit.errors import NotFound
from launchkit.model import AgentView, Pause
from launchkit.plain_text import shortened
from launchkit.resolving.queue_checks import check_length
from launchkit.store import topics
from launchkit.store.agent_room import require_room_of_paused, take_turn
from launchkit.store.agents import List
from launchkit.store.database import Row, Tx
from launchkit.store.people import audit
from launchkit.store.queues import MOST_OF_A_REASON


class Make(NamedTuple):
    """Make a change of an agent, once: one that is so already stays as it is.

    :raises NotFound: if there is no such agent.
    :raises Conflict: if no more agents of the entity may be paused.
    """

    entity: str
    name: str
    change: AgentChange
    actor: str

    async def __call__(self, tx: Tx) -> None:
        check_length("agent", self.name)
        agent = await self._known(tx)
        if self._is_so(agent):
            return
        if isinstance(self.change, Drain):
            changed = await tx.one("drain_agent", entity=self.entity, name=self.name)
        else:
            changed = await self._pause_or_resume(tx, agent)
        if changed is None:
            raise await self._unknown(tx)  # it has left at that moment
        await audit(tx, self.actor, f"{self._word} agent {self.name} of {self.entity}")
        tx.publish(topics.of_agent(self.entity, self.name))

    async def _pause_or_resume(self, tx: Tx, agent: AgentView) -> Row | None:
        pause = None
        if isinstance(self.change, PauseAgent):
            reason = _kept(self.change)
            pause = encode_json(Pause(reason=reason, by=self.actor, at=tx.now))
            size = len(encode_json(agent.status)) + len(pause)
            await take_turn(tx, self.entity)
            await require_room_of_paused(tx, self.entity, self.name, size)
        for row in await tx.all("queues", entity=self.entity):
            tx.publish(f"queue:{row['id']}")
        return await tx.one("pause_agent", entity=self.entity, name=self.name, pause=pause)

    @property
    def _word(self) -> str:
        if isinstance(self.change, Drain):
            return "drained"
        return "paused" if isinstance(self.change, PauseAgent) else "resumed"

    def _is_so(self, agent: AgentView) -> bool:
        if isinstance(self.change, Drain):
            return agent.draining
        if not isinstance(self.change, PauseAgent):
            return agent.pause is None
        said = agent.pause and (agent.pause.reason, agent.pause.by)
        return said == (_kept(self.change), self.actor)

    async def _known(self, tx: Tx) -> AgentView:
        for view in await List(self.entity)(tx):
            if view.status.name == self.name:
                return view
        raise await self._unknown(tx)

    async def _unknown(self, tx: Tx) -> NotFound:
        names = [view.status.name for view in await List(self.entity)(tx)]
        return NotFound(
            f"there is no agent {self.name!r} of {self.entity};"
            f" there are: {shortened(', '.join(names)) or 'none'}",
            hint="see: launchkit agents",
        )


def _kept(change: PauseAgent) -> str:
    return masked(shortened(change.reason, MOST_OF_A_REASON))
