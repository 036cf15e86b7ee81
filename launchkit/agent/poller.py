"""Asks a queue for items, as long as there are slots for them."""

from collections.abc import Callable
from dataclasses import dataclass, field

import anyio
from anyio.abc import TaskGroup

from launchkit.agent.arrival import obstacle
from launchkit.agent.kit import Kit
from launchkit.agent.under_way import UnderWay
from launchkit.aio.retry import Backoff, long_enough, pauses
from launchkit.errors import QueueError
from launchkit.model import AgentCapacity
from launchkit.observe.watchdog import Watchdog, poller

CLAIM_SECONDS = 90.0
LAST_CLAIM_SECONDS = 5.0
"""How long a claim under way may go on when the agent is to claim nothing more; one that is made
after that is given back when the agent leaves.
"""


@dataclass(kw_only=True)
class Poller:
    """Takes a slot, then an item, and sends it on its way; again and again."""

    queue: str
    kit: Kit
    under_way: UnderWay
    watchdog: Watchdog
    capacity: Callable[[], AgentCapacity]
    """What the agent can run now."""
    note: Callable[[str, str], None]
    """Is told of a queue what is in its way, or an empty text."""
    rests: Callable[[], None]
    """Is called when the queue gives nothing."""
    idle: bool = field(default=False, init=False)
    """Whether the queue gave nothing when it was asked, and was not changed by this agent since."""
    _claiming: anyio.CancelScope | None = field(default=None, init=False)

    async def poll(self, registered: anyio.Event, journeys: TaskGroup) -> None:
        """Go on until cancelled, once the agent is *registered*; journeys become tasks."""
        with self.watchdog.resting(poller(self.queue)):
            await registered.wait()
        waits = pauses(Backoff())
        while True:
            try:
                if await self._claim(journeys):
                    self.note(self.queue, "")
                else:
                    await self._rest()
            except QueueError as exc:
                pause = long_enough(next(waits), exc)
                self.note(self.queue, f"queue {self.queue}: {exc}; trying again")
                await anyio.sleep(pause)
                continue
            waits = pauses(Backoff())

    def hurry(self) -> None:
        """Nothing more is to be claimed: a claim under way ends soon."""
        if self._claiming is not None:
            end = anyio.current_time() + LAST_CLAIM_SECONDS
            self._claiming.deadline = min(self._claiming.deadline, end)

    async def _claim(self, journeys: TaskGroup) -> bool:
        """Whether there was an item; if not, the slot is given back."""
        with self.watchdog.resting(poller(self.queue)):
            slot = await self.under_way.slot()
        claim = None
        try:
            # A claim that was made must not be forgotten.
            with anyio.move_on_after(CLAIM_SECONDS, shield=True) as self._claiming:
                claim = await self.kit.backend.claim(self.queue, self.capacity())
                if claim is not None:
                    await self.kit.queues.look(claim.queue)
        finally:
            self._claiming = None
            if claim is None:
                self.under_way.give_back(slot)
        if claim is None:
            return False
        self.idle = False
        self.under_way.begin(claim, self.kit, slot, journeys)
        return True

    async def _rest(self) -> None:
        """Return when the queue may give something: it has changed, or a runner works again."""
        self.note(self.queue, await obstacle(self.queue, self.kit, self.capacity()))
        self.idle = True
        self.rests()
        with self.kit.runners.until_changed():
            await self.kit.backend.news(self.queue, self.kit.backend.news_seconds)
