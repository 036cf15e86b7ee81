"""A thread for what may block for ever: neither a task nor the end of the program waits for it."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")


async def in_daemon_thread(call: Callable[[], T], over: Callable[[], None] | None = None) -> T:
    """What *call* gives, called in a thread of its own, with the context variables of who asks,
    such as what is to be masked; one who is cancelled leaves it to itself. However late it is done,
    *over* is called then, on the event loop.

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
            result = context.run(call)
        except BaseException as exc:  # noqa: BLE001 - it is raised where it is awaited
            error = exc  # the name of an exception is gone when its clause ends
            act = lambda: done.set_exception(error)  # noqa: E731
        else:
            act = lambda: done.set_result(result)  # noqa: E731
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(tell, act)

    try:
        threading.Thread(target=work, daemon=True, name="launchkit-alone").start()
    except BaseException:
        if over is not None:
            over()
        raise
    return await done
