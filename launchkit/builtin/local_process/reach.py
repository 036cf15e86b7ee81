"""What is done in the directory of a run keeps nobody else waiting: something that never answers
may be mounted there, by the run itself or by others.
"""

import errno
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar, TypeVarTuple

import anyio
from anyio.lowlevel import checkpoint

from launchkit.daemon_thread import in_daemon_thread
from launchkit.errors import LaunchError

T = TypeVar("T")
Args = TypeVarTuple("Args")

ANSWER_SECONDS = 30.0
"""How long a look may take, on a disk and a machine that are slow and busy."""
WORK_SECONDS = 900.0
"""The same for what moves or removes all of a run's code."""
AT_ONCE = 4
"""Threads that one directory may keep."""
_MOUNT_IS_DEAD = {errno.ENOTCONN, errno.ECONNABORTED, errno.ESTALE, errno.ETIMEDOUT}


class NoAnswer(LaunchError):
    """The directory of a run does not answer, so that the run cannot be looked at."""

    def __init__(self, place: Path, why: OSError | None = None) -> None:
        told = f" ({why.strerror})" if why else ""
        super().__init__(
            f"{place}: the run's directory does not answer or is not the run's any more{told}; is a"
            " file system mounted there? unmount it, or stop the launch"
        )


class Reach:
    """Acts in one directory, in threads of its own that nothing waits for in the end."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._turns = anyio.CapacityLimiter(AT_ONCE)

    async def promptly(self, call: Callable[[*Args], T], *args: *Args) -> T:
        """What *call* gives, which takes a moment where nothing is wrong. Once begun it is waited
        for, also by one who is cancelled.

        :raises NoAnswer: if it does not answer in time.
        """
        return await self._done(partial(call, *args), ANSWER_SECONDS)

    async def at_length(self, call: Callable[[*Args], T], *args: *Args) -> T:
        """The same for what may take long. :raises NoAnswer: as `promptly` does."""
        return await self._done(partial(call, *args), WORK_SECONDS)

    async def at_leisure(self, call: Callable[[*Args], T], *args: *Args) -> T:
        """The same for what nothing depends on: one who is cancelled leaves it to itself.

        :raises NoAnswer: as `promptly` does.
        """
        return await self._done(partial(call, *args), WORK_SECONDS, shield=False)

    async def _done(self, call: Callable[[], T], seconds: float, *, shield: bool = True) -> T:
        await checkpoint()
        turn = object()
        with anyio.move_on_after(seconds, shield=shield):
            await self._turns.acquire_on_behalf_of(turn)
            try:
                return await in_daemon_thread(call, partial(self._turns.release_on_behalf_of, turn))
            except OSError as exc:
                if exc.errno not in _MOUNT_IS_DEAD:
                    raise
        raise NoAnswer(self._place)
