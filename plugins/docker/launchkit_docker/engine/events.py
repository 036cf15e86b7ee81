"""One stream of the Engine's events for all containers of an agent: nobody polls."""

import json
import logging
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any
from weakref import WeakValueDictionary

import anyio
from aiodocker import Docker, DockerError
from aiohttp import ClientError

from launchkit_docker.containers import labels
from launchkit_docker.engine.streams import streamed, whole_lines

log = logging.getLogger("launchkit.docker")

FILTERS = json.dumps({"type": ["container"], "label": [labels.RUN]})
PAUSE_SECONDS = 0.5
CAP_SECONDS = 5.0
TROUBLE = (DockerError, ClientError, OSError, ValueError, RuntimeError)
"""The last: the client was closed while it read."""


class Events:
    """Wakes those who wait for news of a container, and everyone after each gap."""

    def __init__(self) -> None:
        self._waiting = WeakValueDictionary[str, anyio.Event]()  # forgets whom nobody waits for
        self._any = anyio.Event()

    def of(self, name: str) -> anyio.Event:
        """Set when something happens to the container. Take it before you look."""
        return self._waiting.setdefault(name, anyio.Event())

    def of_any(self) -> anyio.Event:
        """Set when something happens to any container."""
        return self._any

    def ring(self, name: str) -> None:
        """Something has happened to a container."""
        if event := self._waiting.pop(name, None):
            event.set()
        self._any.set()
        self._any = anyio.Event()

    def ring_all(self) -> None:
        """Something may have happened to any container."""
        for name in [*self._waiting]:
            self.ring(name)
        self.ring("")

    async def follow(self, engine: Docker) -> None:
        """Listen until cancelled; an Engine that hangs up or is away is tried again."""
        pause = PAUSE_SECONDS
        while True:
            try:
                async with streamed(engine, "events", {"filters": FILTERS}) as response:
                    self.ring_all()
                    pause = PAUSE_SECONDS
                    async with aclosing(whole_lines(response.content)) as news:
                        async for lines in news:
                            for line in lines:
                                self._take(json.loads(line))
            except TROUBLE as exc:
                log.debug("the Engine's events cannot be followed now: %s", exc)
            self.ring_all()
            await anyio.sleep(pause)
            pause = min(CAP_SECONDS, pause * 2)

    def _take(self, event: Mapping[str, Any]) -> None:
        attributes = event.get("Actor", {}).get("Attributes", {})
        if name := attributes.get("name"):
            self.ring(name)
