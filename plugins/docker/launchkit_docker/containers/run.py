"""A container as a run: watched, read, ended and removed."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing

from launchkit.abc import Run
from launchkit.errors import RunLost
from launchkit.model import LogChunk, RunStatus
from launchkit.runners.log_following import Following, Piece
from launchkit_docker.containers.container import Container
from launchkit_docker.containers.containers import CANCELLED, OVER, UNSEEN, Containers
from launchkit_docker.containers.output import last_output, stored_output
from launchkit_docker.containers.verdicts import status_of
from launchkit_docker.engine.absences import booted_at
from launchkit_docker.engine.client import EngineAway, EngineError, EngineRefused

log = logging.getLogger("launchkit.docker")


class ContainerRun(Run):
    """A run whose `ref` is the name of its container."""

    def __init__(
        self,
        name: str,
        containers: Containers,
        release: Callable[[str], Awaitable[None]],
        warnings: Sequence[str] = (),
    ) -> None:
        self.ref = name
        self.warnings = warnings
        self._containers = containers
        self._markers = containers.markers
        self._informer = containers.informer
        self._release = release

    async def status(self) -> RunStatus:
        """Look once; an Engine that is away is waited for. :raises RunLost: if it was removed."""
        container = await self._containers.look(self.ref)
        cancelled = await self._markers.has(self.ref, CANCELLED)
        tail = await self._tail(container) if container.failed and not cancelled else b""
        unseen = await self._unseen(container)
        return status_of(container, cancelled=cancelled, output=tail, unseen=unseen)

    async def changed(self, last: RunStatus) -> RunStatus:
        """Wait for another status; the Engine's events tell of it, or at last a list."""
        with self._informer.subscribed(self.ref) as news:
            while (now := await self.status()) == last:
                await news.wait()
            return now

    async def cancel(self, grace: float) -> None:
        """Send the stop signal, and kill it after *grace* seconds."""
        container = await self._containers.look(self.ref)
        if container.over:
            return
        await self._markers.set(self.ref, CANCELLED)
        self._informer.news.notify(self.ref)
        if container.started:
            await self._containers.stop(self.ref, grace)

    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        """What it prints, byte by byte as the Engine stored it, until it has ended."""
        container = await self._started()
        if container is None:
            return
        try:
            async with aclosing(self._following(container).chunks(offset)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except EngineRefused as exc:  # its log driver keeps nothing
            log.info("the output of %s cannot be read: %s", self.ref, exc.message)
        self._informer.news.notify(self.ref)  # it is over, also if no event has told so

    async def aclose(self) -> None:
        """Remove the ended container, unless the queue keeps it, and the code laid into it.

        :raises RunLost: if it cannot be looked at: it is left to the sweep, which needs no look.
        """
        try:
            container = await self._containers.find(self.ref)
        except RunLost:
            await self._release(self.ref)
            raise
        if container is not None and container.started and not container.over:
            return
        await self._markers.set(self.ref, OVER)
        await self._containers.drop_code(self.ref)
        if container is not None and container.removed_at_end:
            await self._containers.remove(container.id)
        await self._release(self.ref)
        for mark in (CANCELLED, UNSEEN):
            await self._markers.clear(self.ref, mark)

    async def _started(self) -> Container | None:
        """The container, when it has been started; None if it was cancelled before."""
        with self._informer.subscribed(self.ref) as news:
            while not (container := await self._containers.look(self.ref)).started:
                if await self._markers.has(self.ref, CANCELLED):
                    return None
                await news.wait()
            return container

    def _following(self, container: Container) -> Following[int]:
        engine, seen = self._containers.engine, container

        def source(since_ns: int | None) -> AbstractAsyncContextManager[AsyncIterator[Piece[int]]]:
            follow = not seen.over
            return stored_output(engine, self.ref, tty=seen.tty, since_ns=since_ns, follow=follow)

        async def over() -> bool:
            nonlocal seen
            seen = await self._containers.look(self.ref)
            return seen.over

        return Following(source=source, over=over, on=_broken, trouble=engine.trouble)

    async def _unseen(self, container: Container) -> bool:
        """Whether the Engine does not know how it ended; what was found once holds for all."""
        if await self._markers.has(self.ref, UNSEEN):
            return True
        engine = self._containers.engine
        found = container.unseen(engine.absences, booted_at() if engine.is_local else 0.0)
        if found:
            await self._markers.set(self.ref, UNSEEN)
        return found

    async def _tail(self, container: Container) -> bytes:
        try:
            return await last_output(self._containers.engine, self.ref, tty=container.tty)
        except EngineError:
            return b""


def _broken(exc: Exception) -> bool:
    """Whether to look again: at what is gone, too, for that is told by a look at the container."""
    return isinstance(exc, EngineAway) or (isinstance(exc, EngineRefused) and exc.not_found)
