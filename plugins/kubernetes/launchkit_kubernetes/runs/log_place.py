"""How far the log of a run was stored, kept beside its root object for the agent that adopts it: of
what a node has turned over, the number of bytes that were stored says nothing.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import anyio
from pydantic import Field

from launchkit.codec import decode, encode_json
from launchkit.errors import ConfigError
from launchkit_kubernetes.status.shape import mapping

PLACE = "launchkit/log"
"""The annotation."""
MAX_TEXT = 1 << 16
FIRST_SECONDS = 10.0
"""A run that prints for less long costs no request."""
FIRST_BYTES = 1 << 16
KEEP_SECONDS = 300.0
KEEP_BYTES = 1 << 20
"""A kubelet turns to another file after ten times as much, unless it is told otherwise."""

Moment = Annotated[int, Field(ge=0, lt=1 << 63)]
"""Nanoseconds since 1970."""


@dataclass(frozen=True, kw_only=True)
class StreamPlace:
    """How far the output of one container was stored."""

    time_ns: Moment
    """The time of its last line."""
    size: Annotated[int, Field(ge=0)] = 0
    """Bytes of lines of that time."""
    done: bool = False
    """Whether that is all that it will ever print."""


@dataclass(frozen=True, kw_only=True)
class LogPlace:
    """How far the log of a run was stored, at some time."""

    offset: Annotated[int, Field(ge=0)] = 0
    """Up to which byte."""
    marks: tuple[tuple[Annotated[int, Field(ge=0)], Moment], ...] = ()
    """Of a log with one container: bytes at which lines of a time begin, that of the first line and
    a late one."""
    streams: Mapping[str, StreamPlace] = field(default_factory=dict)
    lost: tuple[str, ...] = ()
    """The containers of which the log tells that their output is lost."""


def kept_place(workload: Mapping[str, Any] | None) -> LogPlace:
    """What is kept beside an object; the beginning if there is nothing, or it makes no sense."""
    annotations = mapping(mapping((workload or {}).get("metadata")).get("annotations"))
    found = annotations.get(PLACE)
    if not isinstance(found, str) or len(found) > MAX_TEXT:
        return LogPlace()
    try:
        return decode(LogPlace, json.loads(found))
    except (ValueError, ConfigError, RecursionError):
        return LogPlace()


class PlaceKeeper:
    """Keeps places, and seldom: each is a request."""

    def __init__(self, save: Callable[[str], Awaitable[None]]) -> None:
        self._save = save
        self._began: float | None = None
        self._kept_at = 0
        self._kept: LogPlace | None = None

    @property
    def has_kept(self) -> bool:
        """Whether anything was kept by this agent."""
        return self._kept is not None

    async def stored(self, place: Callable[[], LogPlace], given: int, *, now: bool = False) -> None:
        """Everything up to byte *given* is stored; *now*: there is a reason not to wait."""
        clock = anyio.current_time()
        if self._began is None:
            self._began, self._kept_at = clock, given
        waited, more = clock - self._began, given - self._kept_at
        if not (now or waited >= FIRST_SECONDS or more >= FIRST_BYTES):
            return
        here = place()
        is_new = self._kept is None or here.streams.keys() != self._kept.streams.keys()
        is_due = now or is_new or waited >= KEEP_SECONDS or more >= KEEP_BYTES
        if not is_due or here == self._kept:
            return
        self._began, self._kept_at, self._kept = clock, given, here
        text = encode_json(here)
        if len(text) <= MAX_TEXT:
            await self._save(text)
