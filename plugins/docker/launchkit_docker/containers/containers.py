"""The containers of an agent's runs, by name, with the marks that must outlive them."""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

import anyio
from aiodocker import Docker, DockerError
from aiohttp import ClientError
from anyio.to_thread import run_sync

from launchkit.code.remove_tree import remove_tree
from launchkit.errors import RunLost
from launchkit.plain_text import shortened
from launchkit_docker.containers import labels
from launchkit_docker.containers.names import kept_as
from launchkit_docker.containers.verdicts import was_started
from launchkit_docker.engine.client import NO_CONNECTION, EngineAway
from launchkit_docker.engine.events import Events

log = logging.getLogger("launchkit.docker")
T = TypeVar("T")

CANCELLED, OVER = "cancelled", "over"
ENDED = ["created", "exited", "dead"]
RETRY_SECONDS = 1.0
SWEEP_SECONDS = 3600.0
KEEP_SECONDS = 86400.0
"""How long an agent that slept is kept from starting again what has ended."""


@dataclass(frozen=True)
class Containers:
    """What the runs of one agent share."""

    engine: Docker
    folder: Path
    """For what is kept of containers on this machine: code, and marks."""
    events: Events = field(default_factory=Events)

    async def inspect(self, name: str) -> Mapping[str, Any]:
        """Look at a container; an Engine in trouble is asked again.

        :raises RunLost: if there is none of that name.
        """
        path = f"containers/{name}/json"
        while True:
            try:
                return dict(await self.asked(lambda: self.engine._query_json(path)))  # noqa: SLF001
            except DockerError as exc:
                if exc.status == HTTPStatus.NOT_FOUND:
                    raise RunLost(f"there is no container {name}") from exc
                said = shortened(exc.message)
                log.warning("container %s cannot be looked at: %s; trying again", name, said)
            await anyio.sleep(RETRY_SECONDS)

    async def post(self, name: str, action: str, **params: str) -> None:
        """Have something done to a container. :raises DockerError: if it is refused."""
        path = f"containers/{name}/{action}"
        await self.asked(lambda: self._post(path, params))

    async def start(self, name: str) -> None:
        """Start a container, unless it has ever been: it may have run and ended before an answer
        that was lost.

        :raises DockerError: if it is refused.
        """

        async def once() -> None:
            if not was_started(await self.inspect(name)):
                await self._post(f"containers/{name}/start", {})

        await self.asked(once)

    async def remove(self, name: str) -> None:
        """Remove an ended container and its nameless volumes; none is no error."""
        path = f"containers/{name}"
        params = {"v": "true", "force": "true"}
        try:
            await self.asked(lambda: self._sent(path, "DELETE", params))
        except DockerError as exc:
            gone = {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}  # the second: it is being removed
            if exc.status not in gone:
                raise

    async def asked(self, call: Callable[[], Awaitable[T]]) -> T:
        """Call until the Engine answers: while it is away, nothing can be said of its containers.

        :raises DockerError: if it refuses.
        """
        while True:
            try:
                return await call()
            except DockerError as exc:
                if exc.status != NO_CONNECTION:
                    raise
                log.warning("the Docker Engine does not answer; trying again")
            except (EngineAway, ClientError, ConnectionError, TimeoutError) as exc:
                log.warning("the Docker Engine hung up (%s); trying again", exc)
            await anyio.sleep(RETRY_SECONDS)

    @property
    def marks(self) -> Path:
        """A directory for empty files: who was cancelled, who is over."""
        return self.folder / "marks"

    def code(self, name: str) -> Path:
        """Where the code is kept that is laid into a container."""
        return self.folder / "code" / kept_as(name)

    async def drop_code(self, name: str) -> None:
        """Remove the code that was laid into an ended container, if there is any."""
        await run_sync(remove_tree, self.code(name))

    async def marked(self, name: str, mark: str) -> bool:
        """Whether a container has a mark."""
        return await run_sync(self._place(name, mark).exists)

    async def mark(self, name: str, mark: str) -> None:
        """Give a container a mark."""
        await run_sync(self._place(name, mark).touch)

    async def unmark(self, name: str, mark: str) -> None:
        """Take a mark away."""
        await run_sync(lambda: self._place(name, mark).unlink(missing_ok=True))

    def _place(self, name: str, mark: str) -> Path:
        return self.marks / f"{kept_as(name)}.{mark}"

    async def sweep(self) -> None:
        """Forget now and then what ended long ago, until cancelled."""
        while True:
            await run_sync(self._forget)
            await anyio.lowlevel.checkpoint_if_cancelled()  # the client may be closed by now
            await self._remove_left()
            await anyio.sleep(SWEEP_SECONDS)

    async def _remove_left(self) -> None:
        """Remove the containers at whose removal an agent was killed."""
        filters = {"label": [labels.RUN, f"{labels.REMOVE}=true"], "status": ENDED}
        try:
            found = await self.asked(lambda: self.engine.containers.list(all=True, filters=filters))
            for container in found:
                name = container["Names"][0].removeprefix("/")
                if await self.marked(name, OVER):
                    await self.drop_code(name)
                    await self.remove(name)
        except DockerError as exc:
            log.warning("old containers cannot be removed now: %s", shortened(exc.message))

    def _forget(self) -> None:
        for path in self.marks.iterdir():
            if path.stat().st_mtime < time.time() - KEEP_SECONDS:
                path.unlink(missing_ok=True)

    async def _post(self, path: str, params: Mapping[str, str]) -> None:
        await self._sent(path, "POST", params)

    async def _sent(self, path: str, method: str, params: Mapping[str, str]) -> None:
        async with self.engine._query(path, method, params=dict(params), timeout=None):  # noqa: SLF001
            pass
