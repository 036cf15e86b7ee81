"""The agent's side of a queue."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Collection, Mapping
from typing import TYPE_CHECKING, ClassVar

import anyio

from launchkit.abc.component import Component
from launchkit.model import AgentStatus, EnvValues

if TYPE_CHECKING:
    from launchkit.model import AgentCapacity, AgentOrders, Claim, ItemReport, Secret

SEEN_SECONDS = 15.0
"""An agent gives a sign of life so often at least; the queue takes one that is silent for three
times as long for gone, whatever its lease is."""
SKEW_SECONDS = 2.0
"""Clocks that are so far apart are told of."""
SKEW_HINT = "leases do not depend on it, but times that are shown do: let NTP set the clocks"


def skewed(seconds: float) -> str:
    """Says that a queue's clock is ahead of this machine's by so much, or behind it."""
    which = "behind" if seconds > 0 else "ahead of"
    return f"this machine's clock is {abs(seconds):.0f} s {which} the queue's"


class QueueBackend(Component):
    """Where an agent claims items and reports on them.

    Each method may raise `Unreachable`; the caller tries again later.
    """

    seam: ClassVar[str] = "queue backend"
    trusts_all: ClassVar[bool] = False
    """Whether all who launch may do everything with the queue anyway, as those who can open its
    database."""

    @property
    def news_seconds(self) -> float:
        """How long an agent waits for news before it claims again all the same: it is told of most
        changes, but a lease lapses without a word.
        """
        return 5.0

    def skew(self) -> float | None:
        """Seconds by which the queue's clock is ahead of this machine's; None if that is not known.
        The times in a claim are the queue's.
        """
        return None

    def beat_seconds(self, lease: float) -> float:
        """How often an agent gives a sign of life that is set to a lease of so many seconds;
        however long that is, often enough to be seen online.
        """
        return min(lease / 3, SEEN_SECONDS)

    async def register(self, status: AgentStatus) -> None:
        """Say that an agent begins, once, before it claims. One of the same name that stands may be
        replaced by it: its later calls raise `AgentReplaced`.

        :raises ConfigError: if the queue and this agent do not understand each other.
        """

    @abstractmethod
    async def claim(self, queue: str, capacity: "AgentCapacity") -> "Claim | None":
        """Take the next item of *queue* that *capacity* has a place for, or None if there is none:
        by priority, then the one that was launched first. An item is given to one agent only.

        An item whose agent fell silent comes first, with its `ref`, attempt, run id and wish to
        stop, and a new token; neither a pause nor a limit is in its way. One whose report named a
        site is given to that site only.

        :raises NotFound: if there is no such queue.
        """

    @abstractmethod
    async def report(self, claim: "Claim", report: "ItemReport") -> None:
        """Store a new fact about a claimed item; each state, new message and warning is an event.

        A state that ends the item ends the claim too, and is never changed again; the same end
        reported again is no error. `queued` and `held` end the claim, and leave the item its place
        in the line, without ref, site and agent when it is queued; a wish to stop is not forgotten.

        :raises LeaseLost: if the claim's token is stale, or the claim has ended.
        """

    @abstractmethod
    async def beat(
        self, status: AgentStatus, held: "Collection[Claim]", wait: float
    ) -> "AgentOrders":
        """Store *status* and renew the leases of *held*, those alone, then wait up to *wait*
        seconds for orders to this agent that it was not given yet; it may wake for nothing, but not
        always.
        A stop order comes with each beat of the agent that holds the item, until it has ended.
        """

    @abstractmethod
    async def append_log(self, claim: "Claim", offset: int, data: bytes) -> None:
        """Add output of the claim's attempt. What is stored already from *offset* on is skipped.

        :raises LeaseLost: if the claim's token is stale, or the claim has ended.
        """

    @abstractmethod
    def archive(self, digest: str) -> AsyncIterator[bytes]:
        """The compressed bytes of a packed code directory.

        :raises NotFound: if there is none with that digest, or its upload was broken off.
        """

    async def news(self, queue: str, wait: float) -> None:
        """Return when `claim` on *queue* may give something that it did not give last time, at
        the latest after *wait* seconds; it may return for nothing, but not always. Better backends
        are told; this one looks once a second.
        """
        await anyio.sleep(min(wait, 1.0))

    async def blocked(self, queue: str, capacity: "AgentCapacity") -> str | None:
        """Why *queue* would give *capacity* nothing even if items waited in it, in words; None if
        nothing is in the way. Shown on the agent's status line.

        :raises NotFound: if there is no such queue.
        """
        return None

    async def log_size(self, claim: "Claim") -> int:
        """How many bytes of the attempt's output are stored; a later agent goes on from there."""
        return 0

    async def acquire_lock(self, name: str, holder: str, seconds: float) -> bool:
        """Take or renew the lock *name* for *holder* for some time; False while another has it.
        A holder is the agent's name, `/`, and what tells those of one agent apart: who proves
        agents by tokens takes others for strangers, and frees what a dead agent had. A backend that
        knows no locks lets everybody go on.
        """
        return True

    async def lock_news(self, name: str, wait: float) -> None:
        """Return when the lock *name* may be had, at the latest after *wait* seconds; it may return
        for nothing. Better backends are told; this one looks once a second.
        """
        await anyio.sleep(min(wait, 1.0))

    async def release_lock(self, name: str, holder: str) -> None:
        """Give the lock *name* back, if *holder* has it."""

    async def over(self, attempts: Mapping[str, int]) -> Collection[str]:
        """Of some items, by their ids, those whose attempt is over: the item has ended, or is at a
        later one. What is left of it can be removed. An item that is not known is none of them, and
        a backend that cannot tell gives none.
        """
        return ()

    def credentials(self) -> "Collection[Secret]":
        """What the agent proves itself with to the queue: no run is given it, whatever its name
        is there.
        """
        return ()

    async def run_env(self, claim: "Claim") -> EnvValues:
        """Variables with which the run of a claim reaches the queue itself, such as a token of its
        own, which is a `Secret`. The agent's own credential is none of them.

        :raises LeaseLost: if the claim's token is stale, or the claim has ended.
        """
        return {}

    async def leave(self, agent: str, *, dead: bool) -> None:
        """Say that an agent has ended, which is not online then; the leases of one that is known to
        be *dead* lapse now instead of when their time is over.
        """
