"""The agent's side of a queue."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Collection
from typing import ClassVar

import anyio

from launchkit.abc.component import Component
from launchkit.model import AgentCapacity, AgentOrders, AgentStatus, Claim, ItemReport


class QueueBackend(Component):
    """Where an agent claims items and reports on them.

    Each method may raise `Unreachable`; the caller tries again later.
    """

    seam: ClassVar[str] = "queue backend"

    @abstractmethod
    async def claim(self, queue: str, capacity: AgentCapacity) -> Claim | None:
        """Take the next item of *queue* that *capacity* has a place for, or None if there is none.

        An item whose agent fell silent comes first, with its `ref`, attempt and run id.

        :raises NotFound: if there is no such queue.
        """

    @abstractmethod
    async def report(self, claim: Claim, report: ItemReport) -> None:
        """Store a new fact about a claimed item. A state that ends the item ends the claim too.

        :raises LeaseLost: if the claim's token is stale.
        """

    @abstractmethod
    async def beat(self, status: AgentStatus, held: Collection[Claim], wait: float) -> AgentOrders:
        """Renew the leases of *held*, then wait up to *wait* seconds for orders to this agent."""

    @abstractmethod
    async def append_log(self, claim: Claim, offset: int, data: bytes) -> None:
        """Add output of the claim's attempt. What is stored already from *offset* on is skipped.

        :raises LeaseLost: if the claim's token is stale.
        """

    @abstractmethod
    def archive(self, digest: str) -> AsyncIterator[bytes]:
        """The compressed bytes of a packed code directory.

        :raises NotFound: if there is none with that digest.
        """

    async def news(self, queue: str, wait: float) -> None:
        """Return when `claim` on *queue* may give something that it did not give last time, at
        the latest after *wait* seconds. Better backends are told; this one looks once a second.
        """
        await anyio.sleep(min(wait, 1.0))

    async def blocked(self, queue: str, capacity: AgentCapacity) -> str | None:
        """Why *queue* would give *capacity* nothing even if items waited in it, in words; None if
        nothing is in the way. Shown on the agent's status line.

        :raises NotFound: if there is no such queue.
        """
        return None

    async def log_size(self, claim: Claim) -> int:
        """How many bytes of the attempt's output are stored; a later agent goes on from there."""
        return 0

    async def acquire_lock(self, name: str, holder: str, seconds: float) -> bool:
        """Take or renew the lock *name* for *holder* for some time; False while another has it.
        A backend that knows no locks lets everybody go on.
        """
        return True

    async def release_lock(self, name: str, holder: str) -> None:
        """Give the lock *name* back, if *holder* has it."""

    async def leave(self, agent: str, *, dead: bool) -> None:
        """Say that an agent has ended; the leases of one that is known to be *dead* lapse now
        instead of when their time is over.
        """
