"""A handle on one queue."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from launchkit.abc import ItemView, QueueView
from launchkit.model import ItemState, Json, Pause, Queue

if TYPE_CHECKING:
    from launchkit.client.client import Client
    from launchkit.client.handle import LaunchHandle


class QueueHandle:
    """One queue: look at it, launch into it, pause it."""

    queue: Queue
    """The queue as it was when it was last looked at."""
    counts: Mapping[ItemState, int]
    """How many launches were in each state that had any."""

    def __init__(self, client: "Client", view: QueueView) -> None:
        self.queue = view.queue
        self.counts = view.counts
        self._client = client

    def __repr__(self) -> str:
        """Name, resource and what is in it."""
        counts = ", ".join(f"{count} {state}" for state, count in self.counts.items()) or "empty"
        paused = ", paused" if self.queue.pause else ""
        return f"<queue {self.name} ({self.queue.spec.resource}): {counts}{paused}>"

    @property
    def name(self) -> str:
        """Its name."""
        return self.queue.name

    @property
    def config(self) -> Json:
        """What its runs are made of."""
        return self.queue.spec.config

    @property
    def paused(self) -> Pause | None:
        """Why nothing is claimed from it, if so."""
        return self.queue.pause

    async def view(self) -> QueueView:
        """Look at it again."""
        view = await self._client.hub.queues().get(self.name)
        self.queue, self.counts = view.queue, view.counts
        return view

    async def launch(self, **what: Any) -> "LaunchHandle":
        """Put a launch into it; *what* are the arguments of `Client.launch`."""
        return await self._client.launch(self.name, **what)

    async def launches(self, **which: Any) -> Sequence[ItemView]:
        """Its launches, newest first; *which* are the arguments of `Client.launches`."""
        return await self._client.launches(queue=self.name, **which)

    async def pause(self, reason: str, *, until: float | None = None) -> Queue:
        """Claim nothing from it until *until* (Unix time) or `resume`."""
        self.queue = await self._client.pause_queue(self.name, reason, until=until)
        return self.queue

    async def resume(self) -> Queue:
        """End a pause."""
        self.queue = await self._client.resume_queue(self.name)
        return self.queue
