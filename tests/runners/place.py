"""A place with runs, as an Informer sees it: the faults that it has are set by the tests."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import anyio
from anyio.abc import ObjectSendStream, TaskGroup

from launchkit.runners.informer import Informer


class Place:
    """Its runs are words by name."""

    def __init__(self) -> None:
        self.runs: dict[str, str] = {}
        self.lists = 0
        self.watches = 0
        self.list_failures: list[Exception] = []
        self.watch_failures: list[Exception] = []
        self.opening: Callable[[], Awaitable[None]] | None = None
        """Done once, just before a watch is open."""
        self.gate = anyio.Event()
        self.gate.set()
        self.looked = anyio.Event()
        self._watcher: ObjectSendStream[tuple[str, str | None] | Exception] | None = None

    def hold_lists(self) -> None:
        """Keep the answers of lists back until `gate` is set; `looked` tells that one is there."""
        self.gate, self.looked = anyio.Event(), anyio.Event()

    def let_go_soon(self, tasks: TaskGroup) -> None:
        """Give the answers that are kept back, when everybody waits."""

        async def release_lock() -> None:
            await anyio.wait_all_tasks_blocked()
            self.gate.set()

        tasks.start_soon(release_lock)

    async def list_all(self) -> Mapping[str, str]:
        """What there is at the time of the call."""
        self.lists += 1
        if self.list_failures:
            raise self.list_failures.pop(0)
        seen = {**self.runs}
        self.looked.set()
        await self.gate.wait()
        await anyio.lowlevel.checkpoint()
        return seen

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[AsyncIterator[tuple[str, str | None]]]:
        """Tells what `tell` is told."""
        if self.watch_failures:
            raise self.watch_failures.pop(0)
        send, receive = anyio.create_memory_object_stream[tuple[str, str | None] | Exception](100)

        async def changes() -> AsyncIterator[tuple[str, str | None]]:
            async for change in receive:
                if isinstance(change, Exception):
                    raise change
                yield change

        async with send, receive:
            if self.opening is not None:
                opening, self.opening = self.opening, None
                await opening()
            self._watcher = send
            self.watches += 1
            try:
                yield changes()
            finally:
                self._watcher = None

    async def tell(self, change: tuple[str, str | None] | Exception) -> None:
        """Let the one who watches hear of a change, or lose the connection."""
        await until(lambda: self._watcher is not None)
        assert self._watcher is not None
        await self._watcher.send(change)


@asynccontextmanager
async def running(informer: Informer[str, str]) -> AsyncIterator[None]:
    """The informer works for the time of the context."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(informer.run)
        yield
        tasks.cancel_scope.cancel()


async def until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait for a condition, with a bound."""
    with anyio.fail_after(seconds):
        while not condition():  # noqa: ASYNC110
            await anyio.sleep(0.001)
