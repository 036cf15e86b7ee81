"""Builds outlive an Engine that goes away: it is waited for, and the build tried again; also one
that stumbles over an image that somebody else removes.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial

import anyio

from launchkit.abc import Output
from launchkit.aio.retry import retry_after
from launchkit.errors import BuildError
from launchkit_docker.build.log import ImageGone
from launchkit_docker.engine.client import EngineAway, EngineClient, EngineError
from launchkit_docker.engine.ping import WAITS

REMOVALS = 5
"""So often a build is tried again for images that others remove."""
BREAKS = 3
"""So often in a row an Engine may go away at the same step: it may be that which ends it."""
ANSWER_SECONDS = 5.0
FAREWELL_SECONDS = 2.0
"""How long an Engine that is told to end may take to hang up, after what it was doing failed."""
QUIET = {"filters": json.dumps({"type": ["daemon"]})}


async def ping(engine: EngineClient) -> Mapping[str, str]:
    """The headers in which the Engine tells of itself. :raises EngineError: if it does not."""
    with anyio.move_on_after(ANSWER_SECONDS):
        async with engine.request("_ping") as response:
            return response.headers
    raise EngineAway(f"the Docker Engine has not answered for {ANSWER_SECONDS:g} s")


class BuildRetry:
    """The tries at one build."""

    def __init__(self, engine: EngineClient, out: Output) -> None:
        self._engine = engine
        self._out = out
        self._furthest = -1
        self._breaks = 0
        self._removals = 0

    async def begin(self) -> Mapping[str, str]:
        """Wait until there is an Engine; the headers in which it tells of itself."""
        return await self._there(lambda _: self._out.say(WAITS))

    async def go_on(self, failure: BuildError, steps: int) -> bool:
        """Whether to try again after *failure*: then the Engine was to blame, and is back. If it
        has told when it wants to be asked again, that is waited for. An Engine that stumbled over
        an image that somebody else removed was not away at all.

        *steps* is how far this try came.

        :raises BuildError: if the Engine has gone away too often at the same step.
        """
        if isinstance(failure, ImageGone) and self._removals < REMOVALS:
            self._removals += 1
            await self._out.say("an image was removed under the Engine's eyes: trying again")
            return True
        away = failure.__cause__
        if not isinstance(away, EngineAway) and not await self._goes_away():
            return False
        self._breaks = 1 if steps > self._furthest else self._breaks + 1
        self._furthest = max(self._furthest, steps)
        if self._breaks == BREAKS:
            raise BuildError(
                f"the Engine hung up {BREAKS} times at the same step of the build: {failure}",
                hint="its own log may say why",
            ) from failure
        await self._out.say("the Engine hung up: waiting for it, to try again")
        if isinstance(away, EngineAway):
            await anyio.sleep(retry_after(away))
        await self._there()
        return True

    async def _there(
        self, on_first: Callable[[Exception], Awaitable[None]] | None = None
    ) -> Mapping[str, str]:
        return await self._engine.answered(
            partial(ping, self._engine), on=EngineError, on_first=on_first
        )

    async def _goes_away(self) -> bool:
        """Whether the Engine shuts down, or has: before it hangs up, builds fail in all ways."""
        with anyio.move_on_after(FAREWELL_SECONDS):
            with suppress(EngineError):
                async with self._engine.request("events", params=QUIET) as response:
                    await response.content.read()
            return True
        return False
