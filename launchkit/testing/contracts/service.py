"""A queue service as the suites see it: the user's side, the agent's side, and a clock."""

import gzip
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeAlias, TypeVar

import anyio
import pytest

from launchkit.abc import Hub, ItemView, LaunchRequest, QueueBackend
from launchkit.model import (
    AgentOrders,
    Claim,
    Event,
    ItemReport,
    ItemState,
    LogPage,
    Pause,
    Priority,
    QueueItem,
    QueueSpec,
)
from launchkit.testing.contracts.deadline import within
from launchkit.testing.contracts.prompt import prompt
from launchkit.testing.makers import make_capacity, make_spec, make_status

T = TypeVar("T")
Advance: TypeAlias = Callable[[float], Awaitable[None]]

HOUR = 3600.0
PAUSE = 0.25
"""Seconds that a test lets a component wait for what does not come."""


class UserSide:
    """The steps that a user's tests are made of."""

    def __init__(self, hub: Hub, patience: float) -> None:
        self.hub = prompt(hub, patience)
        self.patience = patience
        self.queues = self.hub.queues()
        self.jobs = self.hub.jobs()
        self.launches = self.hub.launches()
        self.logs = self.hub.logs()

    def within(self, promise: str) -> AbstractContextManager[None]:
        """Fail the test unless what is done inside ends in time."""
        return within(self.patience, promise)

    async def queue(self, name: str = "q", **fields: Any) -> QueueSpec:
        """Make a queue; *fields* are others of `QueueSpec`."""
        spec = QueueSpec(name=name, resource="local-process", **fields)
        await self.queues.create(spec, "ann")
        return spec

    async def update(self, spec: QueueSpec, pause: Pause | None = None) -> None:
        """Change a queue, whatever its version is."""
        await self.queues.update(spec, "ann", pause=pause, if_version=None)

    async def launch(
        self,
        name: str = "run",
        priority: Priority | None = None,
        *,
        queue: str = "q",
        key: str | None = None,
    ) -> QueueItem:
        """Put a launch into a queue."""
        request = LaunchRequest(
            spec=make_spec(name), actor="ann", priority=priority, idempotency_key=key
        )
        return await self.launches.launch(queue, request)

    async def view(self, item: QueueItem) -> ItemView:
        """What users see of an item now."""
        return await self.launches.get(item.id)

    async def item(self, item: QueueItem) -> QueueItem:
        """The item as it is now."""
        return (await self.view(item)).item

    async def events(self, item: QueueItem, kind: str = "") -> Sequence[Event]:
        """What happened to an item; events of one kind, or all."""
        events = await self.launches.changed(item.id, 0, 0)
        return [event for event in events if kind in {"", event.kind}]

    async def log(self, item: QueueItem, attempt: int | None = None) -> bytes:
        """The whole log of an attempt that has ended."""
        data = b""
        while True:
            page = await self.logs.read(item.id, attempt, len(data), 0)
            assert page.offset == len(data), "a page of a log begins at the offset asked for"
            data += page.data
            if len(data) >= page.size:
                assert page.complete, "the log of what has ended is complete"
                return data
            assert page.data, "a log gives what it has from an offset below its size"

    async def waits(self, what: str, ask: Callable[[], Awaitable[object]]) -> None:
        """Ask some times for what does not come, each time to wait for `PAUSE`. To wake for
        nothing is no fault, but not each time: the one who asks would never rest.
        """
        began = anyio.current_time()
        for _ in range(4):
            await ask()
            if anyio.current_time() - began >= 0.9 * PAUSE:
                return
        pytest.fail(f"{what} waits while there is nothing; it never does", pytrace=False)

    async def woken(
        self,
        promise: str,
        listen: Callable[[], Coroutine[object, object, None]],
        act: Callable[[], Awaitable[object]],
    ) -> None:
        """Do *act* while *listen* waits until it has what it wants."""
        with self.within(promise):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(listen)
                await anyio.sleep(PAUSE)  # it is to wait by then, not to look first
                await act()


class Service(UserSide):
    """The steps that tests on both sides are made of."""

    def __init__(self, backend: QueueBackend, hub: Hub, patience: float, advance: Advance) -> None:
        super().__init__(hub, patience)
        self.raw = backend
        self.backend = prompt(backend, patience)
        self.advance = advance

    async def claim(self, agent: str = "a", site: str = "here", *, queue: str = "q") -> Claim:
        """Claim an item that must be there."""
        claim = await self.backend.claim(queue, make_capacity(agent, site))
        assert claim, "an item that waits is given to an agent that has a place for it"
        return claim

    async def gives_nothing(
        self, why: str, agent: str = "b", site: str = "here", *, queue: str = "q"
    ) -> None:
        """Claim in vain."""
        claim = await self.backend.claim(queue, make_capacity(agent, site))
        assert claim is None, why

    async def started(self, name: str = "run", **claim: str) -> Claim:
        """Launch and claim."""
        item = await self.launch(name)
        claimed = await self.claim(**claim)
        assert claimed.item.id == item.id, "a claim gives the one item that waits"
        return claimed

    async def lapse(self, claim: Claim) -> None:
        """Let a lease run out."""
        await self.advance(claim.lease * 1.1)

    async def report(self, claim: Claim, state: ItemState, **fields: Any) -> None:
        """Report a state, with other fields of `ItemReport`."""
        await self.backend.report(claim, ItemReport(state=state, **fields))

    async def requeue(self, claim: Claim, *, next_attempt: bool = False) -> None:
        """Give an item back to its queue."""
        await self.report(claim, ItemState.QUEUED, next_attempt=next_attempt)

    async def beat(self, *claims: Claim, agent: str = "a") -> AgentOrders:
        """One beat of an agent that waits for nothing."""
        return await self.backend.beat(make_status(agent), claims, 0)

    async def page(self, claim: Claim, wait: float = 0) -> LogPage:
        """The first page of the latest attempt's log."""
        return await self.logs.read(claim.item.id, None, 0, wait)


def only(found: Sequence[T], promise: str) -> T:
    """The one thing that was found."""
    assert len(found) == 1, promise
    return found[0]


def packed(plain: bytes) -> tuple[str, bytes]:
    """Some bytes as packed code is: the digest of what they are, and they compressed."""
    return hashlib.sha256(plain).hexdigest(), gzip.compress(plain, mtime=0)


async def pieces_of(data: Sequence[bytes], *, broken: bool = False) -> AsyncIterator[bytes]:
    """An upload, which may break off."""
    for piece in data:
        yield piece
    if broken:
        raise ConnectionError("the network went away")
