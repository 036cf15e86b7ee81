"""A handle on one launch."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio

from launchkit import abc, model
from launchkit.abc import ItemView
from launchkit.aio.lines import text_lines
from launchkit.model import Event, ItemState, Priority, QueueItem

if TYPE_CHECKING:
    from launchkit.abc import Change
    from launchkit.client.client import Client
    from launchkit.model import LogChunk

WAIT_SECONDS = 20.0


class LaunchHandle:
    """One launch: look at it, wait for it, read its log, stop it, launch it again."""

    item: QueueItem
    """The launch as it was when it was last looked at."""

    def __init__(self, client: "Client", item: QueueItem) -> None:
        self.item = item
        self._client = client

    def __repr__(self) -> str:
        """Id, name and state, as they were when it was last looked at."""
        item = self.item
        named = f" {item.name!r}" if item.spec.name else ""
        return f"<launch {self.id}{named} in queue {item.queue}: {item.state}>"

    @property
    def id(self) -> str:
        """The item's id."""
        return self.item.id

    @property
    def run_id(self) -> str:
        """The run's id, the same for all attempts."""
        return self.item.run_id

    async def view(self) -> ItemView:
        """Look at it again: with its position and why it waits, if it does."""
        view = await self._client.hub.launches().get(self.id)
        self.item = view.item
        return view

    async def wait(self, timeout: float | None = None) -> QueueItem:
        """Wait until it has ended. :raises TimeoutError: after *timeout* seconds."""
        with self._time_limit(timeout, "end"):
            async for _ in self.changes():
                pass
        return self.item

    async def wait_until(self, *states: ItemState, timeout: float | None = None) -> QueueItem:
        """Wait until it is in one of *states*, or has ended.

        :raises TimeoutError: after *timeout* seconds.
        """
        with self._time_limit(timeout, f"become {' or '.join(states)}"):
            if self.item.state not in states:
                async for _ in self.changes():
                    if self.item.state in states:
                        break
        return self.item

    async def changes(self, since: int = 0) -> AsyncIterator[Event]:
        """Its events after the one with id *since*, as they happen, until it has ended."""
        while True:
            wait = 0.0 if self.item.state.ended else WAIT_SECONDS
            events = await self._client.hub.launches().changed(self.id, since, wait)
            await self.view()
            for event in events:
                since = event.id
                yield event
            if self.item.state.ended and not events:
                return

    async def events(self, since: int = 0) -> Sequence[Event]:
        """What has happened to it so far, after the event with id *since*."""
        found: list[Event] = []
        while events := await self._client.hub.launches().changed(self.id, since, 0.0):
            found += events
            since = events[-1].id
        return found

    async def output(
        self, *, follow: bool = False, attempt: int | None = None, offset: int = 0
    ) -> "AsyncIterator[LogChunk]":
        """What its run printed, as raw bytes with their offsets; with *follow* until it has ended.

        An interrupted reader goes on with `offset` = where it stopped.
        """
        while True:
            wait = WAIT_SECONDS if follow else 0.0
            page = await self._client.hub.logs().read(self.id, attempt, offset, wait)
            if page.data:
                yield model.LogChunk(offset=page.offset, data=page.data)
                offset += len(page.data)
            elif page.complete or not follow:
                return

    async def logs(self, *, follow: bool = False, attempt: int | None = None) -> AsyncIterator[str]:
        """What its run printed, line by line; bytes that are not UTF-8 are replaced. A line of more
        than a million characters comes in parts.
        """
        chunks = (chunk.data async for chunk in self.output(follow=follow, attempt=attempt))
        async for line in text_lines(chunks):
            yield line

    async def stop(self, reason: str | None = None, *, now: bool = False) -> QueueItem:
        """Ask that it end; `wait` tells when it has. With *now* it gets no grace, also if it was
        asked before.
        """
        return await self._change(abc.Stop(reason=reason, now=now))

    async def give_up(self, reason: str | None = None) -> QueueItem:
        """End it as failed, though nobody can look whether its run is over: its agent fell silent,
        and never comes back.

        :raises Conflict: if it waits, or its agent gives signs of life.
        """
        return await self._change(abc.GiveUp(reason=reason))

    async def hold(self, reason: str) -> QueueItem:
        """Keep it from being claimed until it is requeued.

        :raises Conflict: if it does not wait.
        """
        return await self._change(abc.Hold(reason=reason))

    async def requeue(self) -> "LaunchHandle":
        """Put one that is held back into its queue; launch one that has ended again, which gives
        the new launch.

        :raises Conflict: if it is under way.
        """
        if (await self.view()).item.state.ended:
            return await self._client.repeat(self.id)
        await self._change(abc.Release())
        return self

    async def set_priority(self, level: Priority) -> QueueItem:
        """Give it another priority while it waits.

        :raises Conflict: if it does not wait.
        :raises Rejected: if its queue has no prioritization.
        """
        return await self._change(abc.SetPriority(level=level))

    async def move(self, queue: str) -> QueueItem:
        """Put it into another queue while it waits, at the place of the time of its launch.

        :raises NotFound: if there is no such queue.
        :raises Conflict: if it does not wait.
        :raises Rejected: if that queue does not allow what it asks.
        """
        return await self._change(abc.Move(queue=queue))

    @contextmanager
    def _time_limit(self, timeout: float | None, wanted: str) -> Iterator[None]:
        from launchkit.client import inputs

        with anyio.move_on_after(inputs.seconds(timeout, "timeout")) as limit:
            yield
        if limit.cancelled_caught:
            raise TimeoutError(
                f"launch {self.id} did not {wanted} within {timeout:g} s: it is {self.item.state}"
            )

    async def _change(self, change: "Change") -> QueueItem:
        launches = self._client.hub.launches()
        self.item = await launches.change(self.id, change, self._client.actor)
        return self.item
