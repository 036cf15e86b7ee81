"""The launches that an agent has under way, each in a slot of its own."""

import math
from collections.abc import Callable, Sequence

import anyio
from anyio.abc import TaskGroup

from launchkit.agent.journey import Journey
from launchkit.agent.kit import Kit
from launchkit.errors import contained
from launchkit.model import AgentOrders, Claim
from launchkit.settings import AgentSettings

OFFERED_LEASES = 1.5
"""For how many leases a run that this agent cannot go on with is left to others."""


class UnderWay:
    """Sends claims on their way, no more at once than there are slots.

    Once *stopped*, no run is gone on with that was left. *changed* is called when one has begun or
    ended, and *ended* with each journey that is over.
    """

    def __init__(
        self,
        settings: AgentSettings,
        stopped: anyio.Event,
        *,
        changed: Callable[[], None],
        ended: Callable[[Journey], None],
    ) -> None:
        limit = settings.max_jobs
        self._slots = anyio.CapacityLimiter(math.inf if limit < 0 else limit)
        self._limits = settings.limits()
        self._offer_seconds = OFFERED_LEASES * settings.lease_seconds
        self._stopped = stopped
        self._changed = changed
        self._ended = ended
        self._offered: set[str] = set()
        self.journeys: dict[str, Journey] = {}
        """By the ids of their items."""

    def __len__(self) -> int:
        return len(self.journeys)

    @property
    def held(self) -> Sequence[Claim]:
        """The claims whose leases are to be renewed: all but those that are left to others."""
        journeys = self.journeys.items()
        return [journey.claim for item_id, journey in journeys if item_id not in self._offered]

    async def slot(self) -> object:
        """Wait for a slot: it is the caller's, until it begins a journey or gives the slot back."""
        slot = object()
        await self._slots.acquire_on_behalf_of(slot)
        return slot

    def give_back(self, slot: object) -> None:
        """Nothing was claimed for the slot."""
        self._slots.release_on_behalf_of(slot)

    def begin(self, claim: Claim, kit: Kit, slot: object, tasks: TaskGroup) -> None:
        """Send a claim on its way."""
        journey = self.journeys[claim.item.id] = Journey(claim, kit, self._limits)
        tasks.start_soon(self._travel, journey, kit, slot, name=f"launch {claim.item.id}")

    def obey(self, orders: AgentOrders, held: Sequence[Claim]) -> None:
        """Do what the queue says, which was asked about what was *held*."""
        for order in orders.stop:
            if journey := self.journeys.get(order.item_id):
                journey.stop(order)
        for claim in held:
            journey = self.journeys.get(claim.item.id)
            if claim.item.id in orders.lost and journey and journey.claim is claim:
                journey.lose()

    async def _travel(self, journey: Journey, kit: Kit, slot: object) -> None:
        item = journey.claim.item
        message = "launch %s (run %s, attempt %d) claimed"
        journey.log.info(message, item.id, item.run_id, item.attempt, action="claim")
        self._changed()
        try:
            with contained():
                await journey.travel()
                while (again := await self._again(journey)) is not None:
                    journey = self.journeys[item.id] = again
                    await journey.travel()
        except Exception:
            journey.log.exception("launch %s: left for its next holder", item.id, action="fault")
        finally:
            kit.observer.left(journey.claim)
            if self.journeys.get(item.id) is journey:  # else this agent has claimed it again
                del self.journeys[item.id]
            self.give_back(slot)
            self._ended(journey)

    async def _again(self, journey: Journey) -> Journey | None:
        """Another journey for a run that *journey* has left alive, after a while in which others
        may take it over, for its lease is not renewed. It keeps its slot all the time.
        """
        again, item_id = journey.again(), journey.claim.item.id
        if again is None:
            return None
        self._offered.add(item_id)
        try:
            with anyio.move_on_after(self._offer_seconds):
                await self._stopped.wait()
        finally:
            self._offered.discard(item_id)
        ours = self.journeys.get(item_id) is journey  # else this agent has claimed it again
        return again if ours and not self._stopped.is_set() else None
