"""A queue backend that is watched: what passes through it is what an agent does."""

import time
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import contextmanager

from launchkit.abc import QueueBackend
from launchkit.errors import LeaseLost, QueueError, Unreachable
from launchkit.model import (
    AgentCapacity,
    AgentOrders,
    AgentStatus,
    Claim,
    EnvValues,
    ItemReport,
    Secret,
)
from launchkit.observe.observer import Observer
from launchkit.observe.watchdog import HEARTBEAT, Watchdog, poller


class WatchedBackend(QueueBackend):
    """Hands all calls on to a started backend, and tells an observer and a watchdog of them."""

    def __init__(self, backend: QueueBackend, observer: Observer, watchdog: Watchdog) -> None:
        self._backend = backend
        self._observer = observer
        self._watchdog = watchdog

    @property
    def news_seconds(self) -> float:
        """As the backend has it."""
        return self._backend.news_seconds

    def beat_seconds(self, lease: float) -> float:
        """As the backend has it."""
        return self._backend.beat_seconds(lease)

    async def register(self, status: AgentStatus) -> None:
        """Say that an agent begins."""
        with self._asking("register"):
            await self._backend.register(status)

    async def claim(self, queue: str, capacity: AgentCapacity) -> Claim | None:
        """Take the next item, and tell of it."""
        began = time.monotonic()
        try:
            with self._asking("claim"):
                claim = await self._backend.claim(queue, capacity)
        finally:
            self._watchdog.move(poller(queue))
        if claim is not None:
            self._observer.claimed(claim, time.monotonic() - began)
        return claim

    async def report(self, claim: Claim, report: ItemReport) -> None:
        """Store a new fact, and tell of it."""
        with self._asking("report"):
            await self._backend.report(claim, report)
        self._observer.stored(claim, report)

    async def beat(self, status: AgentStatus, held: Collection[Claim], wait: float) -> AgentOrders:
        """Renew the leases, which is a sign of life."""
        with self._asking("beat"):
            orders = await self._backend.beat(status, held, wait)
        self._watchdog.move(HEARTBEAT)
        return orders

    async def append_log(self, claim: Claim, offset: int, data: bytes) -> None:
        """Add output, and tell how much."""
        with self._asking("append_log"):
            await self._backend.append_log(claim, offset, data)
        self._observer.pumped(len(data))

    def archive(self, digest: str) -> AsyncIterator[bytes]:
        """The bytes of a packed code directory."""
        return self._backend.archive(digest)

    async def news(self, queue: str, wait: float) -> None:
        """Wait for a reason to claim; that may take for ever."""
        with self._asking("news"), self._watchdog.resting(poller(queue)):
            await self._backend.news(queue, wait)

    async def blocked(self, queue: str, capacity: AgentCapacity) -> str | None:
        """Why a queue gives nothing."""
        with self._asking("blocked"):
            return await self._backend.blocked(queue, capacity)

    async def log_size(self, claim: Claim) -> int:
        """How much output is stored."""
        with self._asking("log_size"):
            return await self._backend.log_size(claim)

    def skew(self) -> float | None:
        """How far the clocks are apart."""
        return self._backend.skew()

    async def acquire_lock(self, name: str, holder: str, seconds: float) -> bool:
        """Take or renew a lock."""
        with self._asking("acquire_lock"):
            return await self._backend.acquire_lock(name, holder, seconds)

    async def lock_news(self, name: str, wait: float) -> None:
        """Wait until a lock may be had."""
        with self._asking("lock_news"):
            await self._backend.lock_news(name, wait)

    async def release_lock(self, name: str, holder: str) -> None:
        """Give a lock back."""
        with self._asking("release_lock"):
            await self._backend.release_lock(name, holder)

    async def over(self, attempts: Mapping[str, int]) -> Collection[str]:
        """Those attempts that are over."""
        with self._asking("over"):
            return await self._backend.over(attempts)

    def credentials(self) -> Collection[Secret]:
        """As the backend has them."""
        return self._backend.credentials()

    async def run_env(self, claim: Claim) -> EnvValues:
        """Variables for the claim's run."""
        with self._asking("run_env"):
            return await self._backend.run_env(claim)

    async def leave(self, agent: str, *, dead: bool) -> None:
        """Say that an agent has ended."""
        with self._asking("leave"):
            await self._backend.leave(agent, dead=dead)

    @contextmanager
    def _asking(self, call: str) -> Iterator[None]:
        try:
            yield
        except LeaseLost:
            self._watchdog.answer()
            raise
        except QueueError as exc:
            self._observer.failed(call)
            self._watchdog.answer(exc.message if isinstance(exc, Unreachable) else "")
            raise
        self._watchdog.answer()
