"""A container as a run: watched, read, ended and removed."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import replace

from launchkit.abc import Run
from launchkit.model import LogChunk, RunStatus
from launchkit.runners.log_following import Following, Piece
from launchkit_docker.containers.container import Container
from launchkit_docker.containers.containers import CANCELLED, OVER, Containers
from launchkit_docker.containers.output import followed_output, last_output
from launchkit_docker.containers.verdicts import status_of
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
        """*warnings* are what the Engine had to say when it made the container."""
        self.ref = name
        self._message = f"the Engine warns: {'; '.join(warnings)}" if warnings else None
        self._containers = containers
        self._markers = containers.markers
        self._informer = containers.informer
        self._release = release

    async def status(self) -> RunStatus:
        """Look once; an Engine that is away is waited for. :raises RunLost: if it was removed."""
        container = await self._containers.look(self.ref)
        cancelled = await self._markers.has(self.ref, CANCELLED)
        tail = await self._tail(container) if container.failed and not cancelled else b""
        status = status_of(container, cancelled=cancelled, output=tail)
        return status if status.verdict else replace(status, message=self._message)

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

    async def aclose(self) -> None:
        """Remove the ended container, unless the queue keeps it, and the code laid into it."""
        container = await self._containers.find(self.ref)
        if container is not None:
            if container.started and not container.over:
                return
            await self._markers.set(self.ref, OVER)
        await self._containers.drop_code(self.ref)
        if container is not None and container.removed_at_end:
            await self._containers.remove(self.ref)
        await self._release(self.ref)
        await self._markers.clear(self.ref, CANCELLED)

    async def _started(self) -> Container | None:
        """The container, when it has been started; None if it was cancelled before."""
        with self._informer.subscribed(self.ref) as news:
            while not (container := await self._containers.look(self.ref)).started:
                if await self._markers.has(self.ref, CANCELLED):
                    return None
                await news.wait()
            return container

    def _following(self, container: Container) -> Following[int]:
        engine = self._containers.engine

        def source(since_ns: int | None) -> AbstractAsyncContextManager[AsyncIterator[Piece[int]]]:
            return followed_output(engine, self.ref, tty=container.tty, since_ns=since_ns)

        async def over() -> bool:
            return (await self._containers.look(self.ref)).over

        return Following(source=source, over=over, on=_broken, trouble=engine.trouble)

    async def _tail(self, container: Container) -> bytes:
        try:
            return await last_output(self._containers.engine, self.ref, tty=container.tty)
        except EngineError:
            return b""


def _broken(exc: Exception) -> bool:
    """Whether to look again: at what is gone, too, for that is told by a look at the container."""
    return isinstance(exc, EngineAway) or (isinstance(exc, EngineRefused) and exc.not_found)
