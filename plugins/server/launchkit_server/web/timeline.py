"""What a launch spent its time on, from its events."""

from collections.abc import Sequence
from dataclasses import dataclass

from launchkit.model import Event, ItemState

WIDTH = 1000
"""Parts of a timeline's width."""
NARROWEST = 4
WORDS = {
    ItemState.QUEUED: "Waiting",
    ItemState.HELD: "Held",
    ItemState.CLAIMED: "Preparing",
    ItemState.BUILDING: "Building the image",
    ItemState.SUBMITTING: "Submitting",
    ItemState.STARTING: "Starting",
    ItemState.RUNNING: "Running",
}


@dataclass(frozen=True, kw_only=True)
class Span:
    """A state that a launch was in for some time."""

    state: ItemState
    attempt: int
    begin: float
    end: float | None
    """None: it still is."""
    left: int
    width: int

    @property
    def word(self) -> str:
        """What went on."""
        return WORDS[self.state]


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One try at a launch."""

    number: int
    begin: float
    end: float | None
    state: ItemState
    """The last that is known of it."""
    cause: str | None


def spans(events: Sequence[Event], now: float) -> Sequence[Span]:
    """The states of a launch in order, each with its place on a line from its launch to its end."""
    changes = [(event, event.state) for event in events if event.state is not None]
    if not changes:
        return ()
    begin = changes[0][0].at
    last, state = changes[-1]
    end = last.at if state.ended else max(now, last.at)
    scale = WIDTH / max(end - begin, 0.001)
    ends = [event.at for event, _ in changes[1:]]
    found = []
    for (event, state), until in zip(changes, [*ends, None], strict=True):
        if state.ended:
            continue
        left = min(round((event.at - begin) * scale), WIDTH - NARROWEST)
        width = max(NARROWEST, round(((until if until is not None else end) - event.at) * scale))
        found.append(
            Span(
                state=state,
                attempt=event.attempt,
                begin=event.at,
                end=until,
                left=left,
                width=min(width, WIDTH - left),
            )
        )
    return found


def attempts(events: Sequence[Event]) -> Sequence[Attempt]:
    """The tries at a launch that an agent has begun, the latest first."""
    found: dict[int, Attempt] = {}
    for event in events:
        if event.state is None:
            continue
        known = found.get(event.attempt)
        if known is None and event.state in {ItemState.QUEUED, ItemState.HELD}:
            continue
        over = event.state.ended or event.state in {ItemState.QUEUED, ItemState.HELD}
        found[event.attempt] = Attempt(
            number=event.attempt,
            begin=known.begin if known else event.at,
            end=event.at if over else None,
            state=event.state,
            cause=event.cause,
        )
    return [*reversed(found.values())]
