"""A made-up place with runs, as an Informer sees it: with a list, and a watch that goes wrong."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Hashable, Mapping
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

import anyio
from anyio.streams.memory import MemoryObjectSendStream

from launchkit.runners.informer import Informer
from launchkit.testing.faults import Faults

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class FakePlace(Generic[K, V]):
    """Its `list_all` and `watch` are what an `Informer` wants. Faults are set for `list` and for
    `watch`, which is the opening of one.
    """

    def __init__(self) -> None:
        self.runs: dict[K, V] = {}
        """What a list gives. One that is changed here is a change that the watches miss."""
        self.faults = Faults()
        self.lists = 0
        """How many were begun."""
        self.watches = 0
        """How many were opened."""
        self.looked = anyio.Event()
        """A list has its answer, which `hold_lists` keeps back."""
        self.opening: Callable[[], Awaitable[None]] | None = None
        """Done once, just before a watch is open."""
        self._gate = anyio.Event()
        self._gate.set()
        self._lagging = False
        self._late: list[tuple[K, V | None]] = []
        self._watchers: list[MemoryObjectSendStream[tuple[K, V | None] | Exception]] = []

    @property
    def watched(self) -> bool:
        """Whether a watch is open."""
        return bool(self._watchers)

    def put(self, key: K, value: V) -> None:
        """Change a run, and tell those who watch."""
        self.runs[key] = value
        self.tell(key, value)

    def remove(self, key: K) -> None:
        """Let a run go, and tell those who watch."""
        del self.runs[key]
        self.tell(key, None)

    def tell(self, key: K, value: V | None) -> None:
        """Tell those who watch of a change, which need not be so."""
        if self._lagging:
            self._late.append((key, value))
            return
        for watcher in self._watchers:
            watcher.send_nowait((key, value))

    def lag(self) -> None:
        """Tell of changes only after `catch_up`."""
        self._lagging = True

    def catch_up(self) -> None:
        """Tell of the changes that are late, and of others as they come again."""
        self._lagging = False
        late, self._late = self._late, []
        for key, value in late:
            self.tell(key, value)

    def break_watches(self, error: Exception) -> None:
        """Let each watch that is open raise."""
        for watcher in self._watchers:
            watcher.send_nowait(error)

    def hold_lists(self) -> None:
        """Keep the answers of lists back until `let_lists_go`; `looked` tells that one is there."""
        self._gate, self.looked = anyio.Event(), anyio.Event()

    def let_lists_go(self) -> None:
        """Give the answers that are kept back."""
        self._gate.set()

    async def list_all(self) -> Mapping[K, V]:
        """What there is at the time of the call."""
        self.lists += 1
        return await self.faults.around("list", self._look)

    async def _look(self) -> Mapping[K, V]:
        seen = {**self.runs}
        self.looked.set()
        await self._gate.wait()
        await anyio.lowlevel.checkpoint()
        return seen

    @asynccontextmanager
    async def watch(self) -> AsyncGenerator[AsyncIterator[tuple[K, V | None]]]:
        """Tells of changes from now on."""
        await self.faults.around("watch", self._open)
        send, receive = anyio.create_memory_object_stream[tuple[K, V | None] | Exception](1000)

        async def changes() -> AsyncIterator[tuple[K, V | None]]:
            async for change in receive:
                if isinstance(change, Exception):
                    raise change
                yield change

        with send, receive:
            self._watchers.append(send)
            self.watches += 1
            try:
                yield changes()
            finally:
                self._watchers.remove(send)

    async def _open(self) -> None:
        if self.opening is not None:
            opening, self.opening = self.opening, None
            await opening()


@asynccontextmanager
async def at_work(informer: Informer[K, V]) -> AsyncIterator[Informer[K, V]]:
    """The informer works for the time of the context."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(informer.run)
        yield informer
        tasks.cancel_scope.cancel()
