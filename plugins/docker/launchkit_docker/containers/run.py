"""A container as a run: watched, read, ended and removed."""

from asyncio import IncompleteReadError
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from http import HTTPStatus
from typing import Any

import anyio
from aiodocker import DockerError
from aiohttp import ClientError

from launchkit.abc import Run
from launchkit.errors import RunLost, SubmitError
from launchkit.model import LogChunk, RunStatus
from launchkit.plain_text import shortened
from launchkit_docker.containers import labels
from launchkit_docker.containers.containers import (
    CANCELLED,
    OVER,
    RETRY_SECONDS,
    Containers,
)
from launchkit_docker.containers.output import last_output, output
from launchkit_docker.containers.verdicts import is_over, status_of, was_started
from launchkit_docker.engine.client import NO_CONNECTION

UNREADABLE = {HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.INTERNAL_SERVER_ERROR}


class ContainerRun(Run):
    """A run whose `ref` is the name of its container."""

    def __init__(
        self, name: str, containers: Containers, release: Callable[[str], Awaitable[None]]
    ) -> None:
        self.ref = name
        self._containers = containers
        self._release = release

    async def status(self) -> RunStatus:
        """Look once; an Engine that is away is waited for. :raises RunLost: if it was removed."""
        seen = await self._containers.inspect(self.ref)
        cancelled = await self._containers.marked(self.ref, CANCELLED)
        failed = is_over(seen) and seen["State"]["ExitCode"] != 0 and not cancelled
        tail = await self._tail(seen) if failed else b""
        return status_of(seen, cancelled=cancelled, output=tail)

    async def changed(self, last: RunStatus) -> RunStatus:
        """Wait for another status; the Engine's events tell of it."""
        while True:
            news = self._containers.events.of(self.ref)
            if (now := await self.status()) != last:
                return now
            await news.wait()

    async def cancel(self, grace: float) -> None:
        """Send the stop signal, and kill it after *grace* seconds."""
        seen = await self._containers.inspect(self.ref)
        if is_over(seen):
            return
        await self._containers.mark(self.ref, CANCELLED)
        self._containers.events.ring(self.ref)
        if not was_started(seen):
            return
        try:
            await self._containers.post(self.ref, "stop", t=str(round(grace)))
            if not is_over(await self._containers.inspect(self.ref)):
                await self._containers.post(self.ref, "kill")
        except DockerError as exc:
            if not is_over(await self._containers.inspect(self.ref)):
                said = shortened(exc.message)
                raise SubmitError(f"{self.ref} cannot be stopped: {said}") from exc
        while not is_over(await self._containers.inspect(self.ref)):  # noqa: ASYNC110
            await anyio.sleep(RETRY_SECONDS)

    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        """What it prints, byte by byte as the Engine stored it, until it has ended."""
        while True:
            seen = await self._containers.inspect(self.ref)
            if not was_started(seen):
                if await self._never_starts():
                    return
                continue
            whole = True
            try:
                async with aclosing(self._read(offset, seen)) as chunks:
                    async for chunk in chunks:
                        offset = chunk.offset + len(chunk.data)
                        yield chunk
            except (ClientError, IncompleteReadError, ConnectionError):
                whole = False
            except DockerError as exc:
                if exc.status in UNREADABLE:
                    return
                whole = exc.status != NO_CONNECTION
            if whole and is_over(seen):
                return
            if not is_over(await self._containers.inspect(self.ref)):
                await anyio.sleep(RETRY_SECONDS / 10)

    async def aclose(self) -> None:
        """Remove the ended container, unless the queue keeps it, and the code laid into it."""
        try:
            seen = await self._containers.inspect(self.ref)
        except RunLost:
            seen = None
        if seen is not None:
            if was_started(seen) and not is_over(seen):
                return
            await self._containers.mark(self.ref, OVER)
        await self._containers.drop_code(self.ref)
        if seen is not None and seen["Config"]["Labels"].get(labels.REMOVE, "true") == "true":
            await self._containers.remove(self.ref)
        await self._release(self.ref)
        await self._containers.unmark(self.ref, CANCELLED)

    async def _never_starts(self) -> bool:
        """Whether it was cancelled before it started; else waits until something has happened."""
        news = self._containers.events.of(self.ref)
        if await self._containers.marked(self.ref, CANCELLED):
            return True
        if not was_started(await self._containers.inspect(self.ref)):
            await news.wait()
        return False

    async def _read(self, offset: int, seen: Mapping[str, Any]) -> AsyncGenerator[LogChunk, None]:
        at = 0
        engine, tty = self._containers.engine, seen["Config"]["Tty"]
        async with aclosing(output(engine, self.ref, tty=tty, follow=True)) as pieces:
            async for piece in pieces:
                new = piece[max(0, offset - at) :]
                at += len(piece)
                if new:
                    yield LogChunk(offset=at - len(new), data=new)

    async def _tail(self, seen: Mapping[str, Any]) -> bytes:
        engine, tty = self._containers.engine, seen["Config"]["Tty"]
        try:
            return await last_output(engine, self.ref, tty=tty)
        except (DockerError, ClientError, IncompleteReadError):
            return b""
