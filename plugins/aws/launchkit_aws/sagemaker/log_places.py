"""Where one is in the streams of a job's log, and how their lines are put into one order. Pure."""

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any, Self

EVENT_BYTES = 100
"""What an event takes beside its text."""


@dataclass(frozen=True, slots=True)
class Event:
    """A line, with the time at which it was printed, in milliseconds, or that of the line before
    it, if that is later: a late line does not wait for its time to come again. None was printed
    after it came to CloudWatch, whatever it says.
    """

    at: int
    text: bytes


@dataclass(frozen=True)
class StreamPlace:
    """Where one is in a stream."""

    token: str | None = None
    """Of the page that is next, or the rest of which is."""
    taken: int = 0
    """So many events of that page were read."""
    held: tuple[Event, ...] = ()
    """Read, and not given yet."""
    at: int = 0
    """The time of the last line that was read, or of the next one, where that is known."""
    is_long: bool = False
    """Whether the next line is too long to be held: it is read when it is the next one of all."""

    def read_on(self, page: Mapping[str, Any], room: int, latest: float) -> Self:
        """Where one is behind as much of a page as there is room for, in bytes, without what came
        to CloudWatch after a time.
        """
        held, at = list[Event](), self.at
        events = page.get("events", [])[self.taken :]
        for number, one in enumerate(events):
            printed = one.get("timestamp", 0)
            came = one.get("ingestionTime", printed)
            if came > latest:
                continue
            event = Event(max(at, min(printed, came)), _text(one))
            room -= len(event.text) + EVENT_BYTES
            if room < 0 and (held or not self.is_long):
                return replace(
                    self,
                    taken=self.taken + number,
                    held=tuple(held),
                    at=at if held else event.at,
                    is_long=not held,
                )
            at = event.at
            held.append(event)
        token = page.get("nextForwardToken", self.token)
        taken = self.taken + len(events) if token == self.token else 0
        return replace(self, token=token, taken=taken, held=tuple(held), at=at, is_long=False)


@dataclass(frozen=True)
class LogCursor:
    """Where one is in all streams of a job."""

    streams: Mapping[str, StreamPlace] = field(default_factory=dict)


def to_read(streams: Mapping[str, StreamPlace], but: Set[str], until: float) -> Sequence[str]:
    """The streams of which more is read now: without it no line of theirs can be given."""
    empty = {
        name: one
        for name, one in streams.items()
        if not one.held and name not in but and not (one.is_long and one.at > until)
    }
    first = min(empty, key=lambda name: (empty[name].at, name), default="")
    return [name for name, one in empty.items() if name == first or not one.is_long]


def merged(
    streams: Mapping[str, StreamPlace], drained: Set[str], until: float, *, is_told: bool
) -> tuple[bytes, dict[str, StreamPlace]]:
    """The lines that may be given, in their order, and the places after them. Lines of one time
    are in the order of their streams, so that no stream waits for the last of another's. Whose
    they are is *told* if it may be asked.
    """
    read = [(one.at, name) for name, one in streams.items() if name not in drained]
    end = min(read, default=(math.inf, ""))
    ready: list[tuple[int, str, int, bytes]] = []
    left: dict[str, StreamPlace] = {}
    for name, place in streams.items():
        given = [one for one in place.held if (one.at, name) <= end and one.at <= until]
        ready += [(one.at, name, number, one.text) for number, one in enumerate(given)]
        left[name] = replace(place, held=place.held[len(given) :])
    lines = (
        (f"[{machine_of(name)}] ".encode() if is_told else b"") + text + b"\n"
        for _, name, _, text in sorted(ready)
    )
    return b"".join(lines), left


def machine_of(stream: str) -> str:
    """`algo-1`, of a stream such as `JOB/algo-1-1700000000`."""
    words = stream.rpartition("/")[2].split("-")
    return "-".join(words[:2])


def _text(event: Mapping[str, Any]) -> bytes:
    return str(event.get("message", "")).encode(errors="replace")
