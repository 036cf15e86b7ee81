"""Tell plugins what is stored about items: in order, in a thread, and never in the way."""

import itertools
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from launchkit.model import Claim, Event, ItemReport, ItemState
from launchkit.observe.observer import Observer
from launchkit.plugins import Plugins

log = logging.getLogger("launchkit.plugins")

EventKind = Literal["state", "progress", "warning", "lease"]

WAITING = 10_000
"""Events that wait for slow plugins; what comes on top is dropped."""
FINISH_SECONDS = 5.0
"""How long the end of an agent waits for plugins to hear the last events."""


class Events(Observer):
    """Makes events of what is stored and sends them to a stream, which must not be full."""

    def __init__(self, agent: str, events: MemoryObjectSendStream[Event]) -> None:
        self._agent = agent
        self._events = events
        self._numbers = itertools.count(1)
        self._states: dict[str, ItemState] = {}
        self._dropped = False

    def claimed(self, claim: Claim, seconds: float) -> None:
        """A new item, or one that another agent left."""
        state = claim.item.state
        self._states[claim.item.id] = state
        if state is ItemState.CLAIMED:
            self._send(claim, "state", "claimed", state)
        else:
            self._send(claim, "lease", "taken over", None)

    def stored(self, claim: Claim, report: ItemReport) -> None:
        """Warnings, and a state if it is another one, else what is going on in it."""
        for warning in report.warnings:
            self._send(claim, "warning", warning, None)
        if report.state is not self._states.get(claim.item.id):
            self._states[claim.item.id] = report.state
            self._send(claim, "state", report.message, report.state)
        elif report.message:
            self._send(claim, "progress", report.message, None)

    def left(self, claim: Claim) -> None:
        """Forget it."""
        self._states.pop(claim.item.id, None)

    def _send(
        self, claim: Claim, kind: EventKind, cause: str | None, state: ItemState | None
    ) -> None:
        event = Event(
            id=next(self._numbers),
            item_id=claim.item.id,
            at=time.time(),
            kind=kind,
            actor=self._agent,
            attempt=claim.item.attempt,
            state=state,
            cause=cause,
        )
        try:
            self._events.send_nowait(event)
        except anyio.WouldBlock:
            if not self._dropped:
                log.warning("plugins are too slow to hear all events; some are left out")
            self._dropped = True


@asynccontextmanager
async def telling(agent: str, plugins: Plugins, tasks: TaskGroup) -> AsyncIterator[Events | None]:
    """Events that reach the plugins for the time of the context; None where no plugin listens."""
    if not plugins.listens():
        yield None
        return
    send, receive = anyio.create_memory_object_stream[Event](WAITING)
    done = anyio.Event()
    tasks.start_soon(_tell, plugins, receive, done)
    try:
        yield Events(agent, send)
    finally:
        send.close()
        with anyio.move_on_after(FINISH_SECONDS, shield=True):
            await done.wait()


async def _tell(
    plugins: Plugins, events: MemoryObjectReceiveStream[Event], done: anyio.Event
) -> None:
    with events:
        async for event in events:
            await anyio.to_thread.run_sync(plugins.tell, event, abandon_on_cancel=True)
    done.set()
