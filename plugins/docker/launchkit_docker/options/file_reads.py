"""Files that a queue or a launch names are read beside all else: one on a mount that is dead keeps
its thread for ever.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import anyio

from launchkit.daemon_thread import in_daemon_thread
from launchkit.errors import SubmitError

T = TypeVar("T")

ANSWER_SECONDS = 30.0
AT_ONCE = 8


class FileReads:
    """Those of one agent, of which a few go on at once; in the end nothing waits for them."""

    def __init__(self, seconds: float = ANSWER_SECONDS) -> None:
        self._seconds = seconds
        self._turns = anyio.CapacityLimiter(AT_ONCE)

    async def done(self, option: str, read: Callable[[], T]) -> T:
        """What *read* gives, which reads the files of an *option*.

        :raises SubmitError: if they do not answer in time, or *read* raises it.
        """
        turn = object()
        with anyio.move_on_after(self._seconds):
            await self._turns.acquire_on_behalf_of(turn)
            return await in_daemon_thread(read, partial(self._turns.release_on_behalf_of, turn))
        raise SubmitError(
            f"{option}: its files cannot be read: they do not answer within {self._seconds:g} s",
            hint="look whether they, or those of an earlier launch, are on a mount that is dead",
        )
