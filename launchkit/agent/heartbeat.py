"""The signs of life of an agent, and the orders that come back."""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import anyio

from launchkit.agent.arrival import free_what_the_dead_held
from launchkit.agent.kit import Kit
from launchkit.agent.standing import Standing
from launchkit.aio.retry import Backoff, long_enough, pauses
from launchkit.aio.trouble import Trouble
from launchkit.errors import AgentReplaced, QueueError, Unreachable, unwrapped
from launchkit.model import AgentOrders, AgentStatus, Claim
from launchkit.observe import Journal, journal

logger = logging.getLogger("launchkit.agent")

FREE_AGAIN_SECONDS = 1.0
"""How soon the queue is told again of agents that died."""
LOOK_SECONDS = 1.0
"""How soon the queue is told what the agent says of itself, if that is something else than before.
"""


@dataclass(frozen=True, kw_only=True)
class Heartbeat:
    """Renews the leases of what an agent holds."""

    kit: Kit
    lease: float
    """Seconds that a claim lives without a sign of life."""
    standing: Standing
    say: Callable[[], AgentStatus]
    held: Callable[[], Sequence[Claim]]
    obey: Callable[[AgentOrders, Sequence[Claim]], None]
    """Is given what was held when the queue was asked."""
    missed: Callable[[], None]

    async def beat(self) -> None:
        """Go on until cancelled. :raises AgentReplaced: if another took over the agent's name."""
        waits, trouble = pauses(Backoff()), Trouble(self._log.of("retry"), "the heartbeat")
        reaping = Trouble(self._log.of("reap"), "freeing what agents held that died")
        answered = anyio.current_time()
        while True:
            try:
                if await self._once(-math.inf if trouble else answered, reaping):
                    answered = anyio.current_time()
                    trouble.over()
            except AgentReplaced:
                raise
            except QueueError as exc:
                pause = long_enough(min(next(waits), self.lease / 6), exc)
                trouble.tell(exc)
                self.standing.missed(exc)
                self.missed()
                await anyio.sleep(pause)
            else:
                waits = pauses(Backoff())

    async def _once(self, answered: float, reaping: Trouble) -> bool:
        """Whether the queue answered; it did last at the time *answered*, or has failed since."""
        held, backend = self.held(), self.kit.backend
        wait = backend.beat_seconds(self.lease)
        try:
            await free_what_the_dead_held(self.kit)
            reaping.over()
        except Unreachable as exc:
            reaping.tell(exc)
            wait = min(wait, FREE_AGAIN_SECONDS)
        if anyio.current_time() - answered > wait:  # too long to let go of an answer once more
            orders: AgentOrders | None = await backend.beat(self.say(), held, 0)
        else:
            orders = await self._until_changed(held, wait)
        if orders is None:
            return False
        self.standing.heard(backend.skew())
        self.obey(orders, held)
        return True

    async def _until_changed(self, held: Sequence[Claim], wait: float) -> AgentOrders | None:
        """One beat; None if the agent has other things to say before it is answered."""
        said, orders = self.say(), None
        with unwrapped():
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._look, said, tasks.cancel_scope)
                orders = await self.kit.backend.beat(said, held, wait)
                tasks.cancel_scope.cancel()
        return orders

    async def _look(self, said: AgentStatus, scope: anyio.CancelScope) -> None:
        """Cancel *scope* when the agent says something else. It is looked at from time to time, so
        that many changes make one beat.
        """
        while True:
            await anyio.sleep(LOOK_SECONDS)
            if self.say() != said:
                scope.cancel()

    @property
    def _log(self) -> Journal:
        return journal(logger, self.kit.site.agent)
