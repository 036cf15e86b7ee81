"""The agent's side of a queue: the real store in a SQLite file, with faults that tests set."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field

from launchkit.model import AgentCapacity, AgentOrders, AgentStatus, Claim, ItemReport
from launchkit.store.backend import StoreBackend
from launchkit.testing.faults import Faults


@dataclass(kw_only=True)
class FakeBackend(StoreBackend):
    """Faults can be set for each method by its name, and before `start` the clock. The user's side
    of the same file is a `StoreHub`.
    """

    kind = "fake"
    aliases = ()
    faults: Faults = field(init=False, repr=False, default_factory=Faults)

    async def claim(self, queue: str, capacity: AgentCapacity) -> Claim | None:
        """As the store's, unless a fault waits."""
        claim = super().claim
        return await self.faults.around("claim", lambda: claim(queue, capacity))

    async def report(self, claim: Claim, report: ItemReport) -> None:
        """As the store's, unless a fault waits."""
        store = super().report
        await self.faults.around("report", lambda: store(claim, report))

    async def beat(self, status: AgentStatus, held: Collection[Claim], wait: float) -> AgentOrders:
        """As the store's, unless a fault waits."""
        beat = super().beat
        return await self.faults.around("beat", lambda: beat(status, held, wait))

    async def append_log(self, claim: Claim, offset: int, data: bytes) -> None:
        """As the store's, unless a fault waits."""
        append = super().append_log
        await self.faults.around("append_log", lambda: append(claim, offset, data))

    async def acquire_lock(self, name: str, holder: str, seconds: float) -> bool:
        """As the store's, unless a fault waits."""
        acquire_lock = super().acquire_lock
        return await self.faults.around("acquire_lock", lambda: acquire_lock(name, holder, seconds))

    async def release_lock(self, name: str, holder: str) -> None:
        """As the store's, unless a fault waits."""
        release_lock = super().release_lock
        await self.faults.around("release_lock", lambda: release_lock(name, holder))

    async def archive(self, digest: str) -> AsyncIterator[bytes]:
        """As the store's; a fault stands before the first piece."""
        pieces = super().archive(digest)
        try:
            first = await self.faults.around("archive", lambda: anext(pieces))
        except StopAsyncIteration:
            return
        yield first
        async for piece in pieces:
            yield piece
