"""One at a time, over all agents of a queue: who comes second waits, and finds it done."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from weakref import WeakValueDictionary

import anyio
from anyio.lowlevel import RunVar

from launchkit.abc import QueueBackend
from launchkit.aio.retry import jittered
from launchkit.errors import LaunchError, QueueError, Unreachable, unwrapped

LEASE_SECONDS = 30.0
"""How long a lock outlives a holder that died."""
NEWS_SECONDS = 30.0
"""How long one who waits for a lock is content to hear nothing of it."""
LOOK_SECONDS = 1.0
RELEASE_SECONDS = 5.0
JITTER = 0.2
_local: RunVar["WeakValueDictionary[str, anyio.Lock]"] = RunVar("launchkit_single_flight")


@asynccontextmanager
async def single_flight(
    backend: QueueBackend | None, name: str, holder: str, *, lease: float = LEASE_SECONDS
) -> AsyncIterator[None]:
    """Wait until the lock *name* is ours, and keep it for the time of the context.

    *holder* must be unique: two uses of the same one share the lock. Without a backend only this
    process is looked at. Unless the lock is renewed, it is free again after *lease* seconds.

    :raises LaunchError: if the lock was lost meanwhile; the body is cancelled then.
    """
    async with _local_lock(name):
        if backend is None:
            yield
            return
        lock = _Lock(backend, name, holder, lease)
        try:
            await lock.take()
            with unwrapped():
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(lock.keep, tasks.cancel_scope)
                    yield
                    tasks.cancel_scope.cancel()
        finally:
            with anyio.move_on_after(RELEASE_SECONDS, shield=True), suppress(QueueError):
                await backend.release_lock(name, holder)
        if lock.lost:
            raise LaunchError(
                f"the lock {name!r} was lost: the queue could not be told for {lease:g} seconds"
                " that it is still needed, or another agent took it",
                hint="launch it again; is the queue reachable from this agent all the time?",
            )


def _local_lock(name: str) -> anyio.Lock:
    """The lock that those of this event loop queue on, so that only one of them asks."""
    locks = _local.get(None)
    if locks is None:
        _local.set(locks := WeakValueDictionary())
    return locks.setdefault(name, anyio.Lock())


@dataclass
class _Lock:
    backend: QueueBackend
    name: str
    holder: str
    lease: float
    end: float = 0.0
    lost: bool = False

    async def take(self) -> None:
        """Ask until it is given."""
        while not await self._asked():
            try:
                await self.backend.lock_news(self.name, NEWS_SECONDS)
            except Unreachable:
                await anyio.sleep(self._pause())

    async def keep(self, body: anyio.CancelScope) -> None:
        """Renew it; cancel *body* when it is lost."""
        while not self.lost:
            await anyio.sleep_until(self.end - self.lease * 2 / 3)
            self.lost = not await self._renewed()
        body.cancel()

    async def _renewed(self) -> bool:
        with anyio.CancelScope(deadline=self.end):
            while True:
                held = await self._asked()
                if held is not None:
                    return held
                await anyio.sleep(self._pause())
        return False

    async def _asked(self) -> bool | None:
        """Whether it is ours; None if the queue does not answer now."""
        asked_at = anyio.current_time()
        try:
            held = await self.backend.acquire_lock(self.name, self.holder, self.lease)
        except Unreachable:
            return None
        if held:
            self.end = asked_at + self.lease
        return held and anyio.current_time() < self.end

    def _pause(self) -> float:
        """Until it is asked for again; agents that wait for one lock do not come all at once."""
        return jittered(min(LOOK_SECONDS, self.lease / 3), JITTER)
