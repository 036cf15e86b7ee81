"""Watching a run through trouble: what cannot be looked at now is looked at again, never judged."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing
from typing import TypeVar, TypeVarTuple

import anyio

from launchkit.abc import Run
from launchkit.aio.retry import Backoff, pauses, retry_after
from launchkit.aio.trouble import MAX_CAUSES
from launchkit.errors import LaunchkitError, RunLost, told
from launchkit.model import LogChunk, RunStatus
from launchkit.plain_text import shortened

T = TypeVar("T")
Args = TypeVarTuple("Args")

FOREIGN_SECONDS = 300.0
"""How long an exception that says nothing to launchkit may come again and again."""
LONGEST_CAUSE = 500
"""Characters of an error that are told."""
NOTHING: frozenset[str] = frozenset()


class Unwatchable(LaunchkitError):
    """A run goes on, for all that is known, but this agent cannot watch it: its item is left under
    its lease, to be taken over.
    """

    code = "unwatchable"


class Patience:
    """Tries again, with growing pauses, what a runner cannot do now: for as long as it takes when
    the error is one of launchkit's, which a runner raises when its infrastructure is in trouble,
    and for *foreign_seconds* when it is any other.

    *tell* hears of each cause once, and when it is over.
    """

    def __init__(
        self,
        tell: Callable[[str], Awaitable[None]],
        *,
        foreign_seconds: float = FOREIGN_SECONDS,
        backoff: Backoff = Backoff(),  # noqa: B008 - frozen
    ) -> None:
        self._tell = tell
        self._foreign_seconds = foreign_seconds
        self._backoff = backoff
        self._troubled = NOTHING
        """What cannot be done now."""
        self._told = NOTHING
        """The causes that were told since all worked."""

    async def through(
        self,
        what: str,
        call: Callable[[*Args], Awaitable[T]],
        *args: *Args,
        passing: tuple[type[LaunchkitError], ...] = (RunLost,),
    ) -> T:
        """What *call* gives when it works; *what* is being tried, as in "cannot be looked at".
        Errors of *passing* are no trouble.

        :raises RunLost: if the infrastructure knows no such run.
        :raises Unwatchable: if foreign exceptions go on.
        """
        failures = None
        while True:
            try:
                result = await call(*args)
            except passing:
                raise
            except Exception as exc:  # noqa: BLE001 - a runner may raise anything
                failures = failures or self.failures(what)
                await failures.endure(exc)
            else:
                await self.tell_end(what)
                return result

    def failures(self, what: str) -> "Failures":
        """What may go wrong with one thing."""
        return Failures(self, what, pauses(self._backoff))

    async def tell_of(self, what: str, exc: Exception) -> None:
        """Tell of a cause, unless it is known."""
        cause = cause_of(exc)
        self._troubled |= {what}
        if cause not in self._told and len(self._told) < MAX_CAUSES:
            self._told |= {cause}
            await self._tell(f"cannot be {what} now: {cause}; trying again")

    async def tell_end(self, what: str) -> None:
        """Tell that the trouble with *what* is over, if there was any and it was the last."""
        if what not in self._troubled:
            return
        self._troubled -= {what}
        if not self._troubled:
            self._told = NOTHING
            await self._tell(f"can be {what} again")

    def ends(self, foreign_since: float) -> bool:
        """Whether foreign exceptions have come for too long."""
        return anyio.current_time() - foreign_since > self._foreign_seconds


def cause_of(exc: Exception) -> str:
    """What is told of an error."""
    return shortened(told(exc), LONGEST_CAUSE)


class Failures:
    """Those in a row with one thing, since it last worked."""

    def __init__(self, patience: Patience, what: str, pauses: Iterator[float]) -> None:
        self._patience = patience
        self._what = what
        self._pauses = pauses
        self._foreign_since: float | None = None

    async def endure(self, exc: Exception) -> None:
        """Wait until it may be tried again. :raises Unwatchable: if that is of no use."""
        known = isinstance(exc, LaunchkitError)
        if known:
            self._foreign_since = None
        elif self._foreign_since is None:
            self._foreign_since = anyio.current_time()
        elif self._patience.ends(self._foreign_since):
            raise Unwatchable(f"its run cannot be {self._what}: {cause_of(exc)}") from exc
        await self._patience.tell_of(self._what, exc)
        await anyio.sleep(max(next(self._pauses), retry_after(exc)))

    async def end(self) -> None:
        """It works again, or has all the time."""
        self._foreign_since = None
        await self._patience.tell_end(self._what)


class PatientRun(Run):
    """A run whose looks, log and cancelling go through trouble with *patience*."""

    def __init__(self, run: Run, patience: Patience) -> None:
        """:raises TypeError: if it has no ref."""
        if not isinstance(getattr(run, "ref", None), str):
            cls = type(run)
            raise TypeError(f"{cls.__name__} of module {cls.__module__} has no ref")
        self.ref, self.warnings = run.ref, run.warnings
        self._run = run
        self._patience = patience

    async def status(self) -> RunStatus:
        """Look until something is seen; raises as `Patience.through` does."""
        return await self._patience.through("looked at", self._run.status)

    async def changed(self, last: RunStatus) -> RunStatus:
        """Wait for another status; raises as `Patience.through` does."""
        return await self._patience.through("looked at", self._run.changed, last)

    async def cancel(self, grace: float) -> None:
        """End it; raises as `Patience.through` does."""
        await self._patience.through("ended", self._run.cancel, grace)

    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        """All output from *offset* on, also where the stream breaks off with an error; raises as
        `Patience.through` does.
        """
        failures = self._patience.failures("read")
        while True:
            try:
                async with aclosing(self._run.logs(offset)) as chunks:
                    async for chunk in chunks:
                        await failures.end()
                        yield chunk
                        offset = chunk.offset + len(chunk.data)
            except RunLost:
                raise
            except Exception as exc:  # noqa: BLE001 - a runner may raise anything
                await failures.endure(exc)
            else:
                await failures.end()
                return

    async def aclose(self) -> None:
        """Remove what the ended run left behind, tried once."""
        await self._run.aclose()
