"""A thread for what may block for ever: neither a task nor the end of the program waits for it."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress


async def in_daemon_thread(call: Callable[[], None]) -> None:
    """Call it in a thread of its own; one who is cancelled leaves it to itself.

    :raises Exception: whatever it raises.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def tell(exc: BaseException | None) -> None:
        if done.cancelled():
            return
        if exc is None:
            done.set_result(None)
        else:
            done.set_exception(exc)

    def work() -> None:
        error: BaseException | None = None
        try:
            call()
        except BaseException as exc:  # noqa: BLE001 - it is raised where it is awaited
            error = exc
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(tell, error)

    threading.Thread(target=work, daemon=True, name="launchkit-prepare").start()
    await done
