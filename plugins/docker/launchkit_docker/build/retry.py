"""Builds outlive an Engine that goes away: it is waited for, and the build tried again."""

import json
from collections.abc import Mapping
from contextlib import suppress

import anyio
from aiodocker import Docker, DockerError
from aiohttp import ClientError

from launchkit.abc import Output
from launchkit.errors import BuildError
from launchkit_docker.engine.client import NO_CONNECTION
from launchkit_docker.engine.ping import WAITS
from launchkit_docker.engine.streams import streamed

FAILURES = (BuildError, DockerError, ClientError)
BREAKS = 3
"""So often in a row an Engine may go away at the same step: it may be that which ends it."""
ANSWER_SECONDS = 5.0
FAREWELL_SECONDS = 2.0
"""How long an Engine that is told to end may take to hang up, after what it was doing failed."""
QUIET = {"filters": json.dumps({"type": ["daemon"]})}
RETRY_SECONDS = 1.0


async def ping(engine: Docker) -> Mapping[str, str]:
    """The headers in which the Engine tells of itself.

    :raises DockerError: if there is none.
    :raises BuildError: if it does not answer.
    """
    try:
        with anyio.fail_after(ANSWER_SECONDS):
            async with engine._query("_ping") as response:  # noqa: SLF001 - there is no public call
                return response.headers
    except TimeoutError as exc:
        raise BuildError(f"the Docker Engine has not answered for {ANSWER_SECONDS:g} s") from exc


async def prefers_buildkit(engine: Docker) -> bool:
    """Whether the Engine wants to build with BuildKit: those since 23 do, unless told not to."""
    return (await ping(engine)).get("Builder-Version") == "2"


class BuildRetry:
    """The tries at one build."""

    def __init__(self, engine: Docker, out: Output) -> None:
        self._engine = engine
        self._out = out
        self._furthest = -1
        self._breaks = 0

    async def go_on(self, failure: Exception, steps: int) -> bool:
        """Whether to try again after *failure*: then the Engine was to blame, and is back.

        *steps* is how far this try came.

        :raises BuildError: if the Engine has gone away too often at the same step.
        """
        if not _is_break(failure) and not await self._goes_away():
            return False
        self._breaks = 1 if steps > self._furthest else self._breaks + 1
        self._furthest = max(self._furthest, steps)
        if self._breaks == BREAKS:
            raise BuildError(
                f"the Engine hung up {BREAKS} times at the same step of the build: {failure}",
                hint="its own log may say why",
            ) from failure
        await self._out.say("the Engine hung up: waiting for it, to try again")
        await self._there()
        return True

    async def begin(self) -> None:
        """Wait until there is an Engine."""
        if not await self._answers():
            await self._out.say(WAITS)
            await self._there()

    async def _there(self) -> None:
        while not await self._answers():  # noqa: ASYNC110 - nothing tells of an Engine
            await anyio.sleep(RETRY_SECONDS)

    async def _goes_away(self) -> bool:
        """Whether the Engine shuts down, or has: before it hangs up, builds fail in all ways."""
        with anyio.move_on_after(FAREWELL_SECONDS):
            with suppress(*FAILURES):
                async with streamed(self._engine, "events", QUIET) as response:
                    await response.content.read()
            return True
        return False

    async def _answers(self) -> bool:
        try:
            await ping(self._engine)
        except FAILURES:
            return False
        return True


def _is_break(failure: Exception) -> bool:
    lost = isinstance(failure, DockerError) and failure.status == NO_CONNECTION
    return lost or isinstance(failure, ClientError)
