"""The store in a SQLite file: one thread that writes, some that read, each fed by a queue."""

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TypeVar, cast

import anyio

from launchkit.daemon_thread import in_daemon_thread
from launchkit.errors import Unreachable, unwrapped
from launchkit.store.access import access_of
from launchkit.store.database import (
    READERS,
    STATEMENT_SECONDS,
    TOO_MUCH_HINT,
    Body,
    Database,
    Tx,
)
from launchkit.store.fair_file_lock import holder_of
from launchkit.store.notifier import DatagramNotifier
from launchkit.store.own_marks import OwnMarks
from launchkit.store.sqlite_file import BUSY_SECONDS, is_current, prepare
from launchkit.store.sqlite_worker import Request, Worker
from launchkit.store.topics import EVERYTHING, StoreTopics

T = TypeVar("T")

LOOK_SECONDS = 1.0
"""How often the file is looked at for changes that no news told of."""
BATCH = 64
"""How many waiting transactions share one commit at most."""
JOIN_SECONDS = 5.0
SLOW_HINT = "is its disk as slow as that?"
UNKNOWN_HINT = "look whether it is there before you try again; is its disk as slow as that?"


class SqliteDatabase(Database):
    """A SQLite file. Any number of processes may use it, each through one of these."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float] | None = None,
        seconds: float = STATEMENT_SECONDS,
    ) -> None:
        self.topics = StoreTopics()
        self._path = path
        self._clock = clock
        self._seconds = seconds

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Open the file, made or upgraded as needed, for the time of the context."""
        self._writes: SimpleQueue[Request | None] = SimpleQueue()
        self._reads: SimpleQueue[Request | None] = SimpleQueue()
        self._prompt_reads: SimpleQueue[Request | None] = SimpleQueue()
        self._own = OwnMarks()
        if not await anyio.to_thread.run_sync(is_current, self._path):
            await self._prepared()
        wake = Path(f"{self._path.resolve()}-wake")
        self._notifier = DatagramNotifier(wake, access_of(self._path))
        threads = [
            threading.Thread(target=self._work, args=args, daemon=True, name=f"launchkit-{name}")
            for name, *args in (
                ("writer", self._writes, BATCH, self._own),
                ("prompt-reader", self._prompt_reads, BATCH),
                *((f"reader-{number}", self._reads, 1) for number in range(READERS)),
            )
        ]
        for thread in threads:
            thread.start()
        try:
            with unwrapped():
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._look)
                    tasks.start_soon(self._notifier.receive, self.topics.publish)
                    try:
                        yield
                    finally:
                        tasks.cancel_scope.cancel()
        finally:
            for requests in (self._writes, self._prompt_reads, *[self._reads] * READERS):
                requests.put(None)
            with anyio.move_on_after(JOIN_SECONDS, shield=True):
                for thread in threads:
                    await anyio.to_thread.run_sync(thread.join, JOIN_SECONDS)
            self._notifier.close()

    async def write(self, body: Body[T]) -> T:
        """Run *body* in a transaction that may write; it shares its commit with its neighbours."""
        return await self._run(self._writes, body)

    async def read(self, body: Body[T], *, prompt: bool = False) -> T:
        """Run *body* on a consistent snapshot."""
        return await self._run(self._prompt_reads if prompt else self._reads, body)

    async def _run(self, requests: "SimpleQueue[Request | None]", body: Body[T]) -> T:
        loop = asyncio.get_running_loop()
        request = Request(body, loop, loop.create_future())
        requests.put(request)
        try:
            await asyncio.wait([request.answer], timeout=BUSY_SECONDS)
            if is_settled := not request.answer.done() and not request.decide():
                await asyncio.wait([request.answer], timeout=BUSY_SECONDS)
            if request.answer.done():
                return cast("T", request.answer.result())
        finally:
            request.answer.cancel()
        if is_settled:
            raise self._busy(UNKNOWN_HINT, "has not said whether it has stored what was asked")
        raise self._busy(TOO_MUCH_HINT if requests is self._reads else SLOW_HINT)

    async def _prepared(self) -> None:
        """Have it made or upgraded, which may wait for its turn in vain."""
        with anyio.move_on_after(BUSY_SECONDS):
            await in_daemon_thread(partial(prepare, self._path))
            return
        raise self._busy()

    def _busy(self, hint: str = SLOW_HINT, what: str = "did not answer") -> Unreachable:
        text = f"the queue's database {self._path} {what} within {BUSY_SECONDS:g} seconds"
        holder = holder_of(self._path)
        if holder is None or holder.pid == os.getpid():
            return Unreachable(text, hint=hint)
        return Unreachable(
            f"{text}: {holder}",
            hint=f"let it go on with kill -CONT {holder.pid:d}, or end it; nothing is lost by that",
        )

    async def _look(self) -> None:
        while True:
            await anyio.sleep(LOOK_SECONDS)
            with contextlib.suppress(Unreachable):
                if self._own.strange(await self._run(self._prompt_reads, _mark)):
                    self.topics.publish([EVERYTHING])

    def _work(
        self, requests: "SimpleQueue[Request | None]", most: int, own: OwnMarks | None = None
    ) -> None:
        worker = Worker(self._path, self._clock, own, self._seconds)
        with contextlib.closing(worker):
            while (batch := _batch(requests, most)) is not None:
                worker.run(batch)
                self._deliver(batch)

    def _deliver(self, batch: Sequence[Request]) -> None:
        topics: set[str] = set().union(*(request.topics for request in batch))
        for loop in {request.loop for request in batch}:
            mine = [request for request in batch if request.loop is loop]
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(self._hand_over, mine, topics)
        if topics:
            self._notifier.send(topics)

    def _hand_over(self, batch: Sequence[Request], topics: set[str]) -> None:
        for request in batch:
            request.deliver()
        self.topics.publish(topics)


def _batch(requests: "SimpleQueue[Request | None]", most: int) -> Sequence[Request] | None:
    first = requests.get()
    if first is None:
        return None
    batch = [first]
    with contextlib.suppress(Empty):
        while len(batch) < most:
            request = requests.get_nowait()
            if request is None:
                requests.put(None)
                break
            batch.append(request)
    return batch


async def _mark(tx: Tx) -> int:
    return int((await tx.row("mark"))["application_id"])
