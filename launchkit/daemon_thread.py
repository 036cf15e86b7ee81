"""Threads for what may block for ever: neither a task nor the end of the program waits for them."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from queue import SimpleQueue
from typing import TypeVar, cast

T = TypeVar("T")

MOST_IDLE = 8
"""Threads that are kept for what comes next: there may be no others on a machine that is full."""


class _Threads:
    """Each has one thing to do at a time."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._lock = threading.Lock()
        self._free = 0
        """Threads that wait for something to do, less what waits for one of them."""
        self._all = 0

    def give(self, work: Callable[[], None]) -> None:
        """Have something done, at once unless the system refuses another thread.

        :raises RuntimeError: if it does, and there is none.
        """
        with self._lock:
            self._free -= 1
            if self._free < 0:
                try:
                    threading.Thread(target=self._work, daemon=True, name="launchkit-alone").start()
                except RuntimeError:
                    if not self._all:
                        self._free += 1
                        raise
                else:
                    self._all += 1
                    self._free += 1
            self._waiting.put(work)

    def _work(self) -> None:
        while True:
            self._waiting.get()()
            with self._lock:
                if self._free >= MOST_IDLE:
                    self._all -= 1
                    return
                self._free += 1


_threads = _Threads()


async def in_daemon_thread(call: Callable[[], T], over: Callable[[], None] | None = None) -> T:
    """What *call* gives, called in a thread of its own, with the context variables of who asks,
    such as what is to be masked; one who is cancelled leaves it to itself, or has it not begun.
    However late it is done, *over* is called then, on the event loop.

    :raises Exception: whatever it raises.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()
    context = copy_context()

    def tell(act: Callable[[], None]) -> None:
        if over is not None:
            over()
        if not done.cancelled():
            act()

    def work() -> None:
        try:
            result = None if done.cancelled() else context.run(call)
        except BaseException as exc:  # noqa: BLE001 - it is raised where it is awaited
            error = exc  # the name of an exception is gone when its clause ends
            act = lambda: done.set_exception(error)  # noqa: E731
        else:
            act = lambda: done.set_result(cast("T", result))  # noqa: E731
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(tell, act)

    try:
        _threads.give(work)
    except BaseException:
        if over is not None:
            over()
        raise
    return await done
