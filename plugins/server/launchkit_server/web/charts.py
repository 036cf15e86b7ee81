"""Numbers over time: how many waited, and for how long. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from launchkit.store.waits import Wait

BUCKETS = 48


@dataclass(frozen=True, kw_only=True)
class Window:
    """A span of time until now, in pieces of one length."""

    now: float
    seconds: float

    @property
    def begin(self) -> float:
        """Its begin, as a Unix time."""
        return self.now - self.seconds

    @property
    def ends(self) -> Sequence[float]:
        """The ends of its pieces."""
        return [self.begin + (n + 1) * self.seconds / BUCKETS for n in range(BUCKETS)]


@dataclass(frozen=True, kw_only=True)
class History:
    """What a queue's launches waited for, over a window."""

    depth: Sequence[int]
    """At the end of each piece of the window, how many did not run yet."""
    median: float | None
    """Seconds that half of those waited, at most, that started in the window."""
    slow: float | None
    """Seconds that all but a twentieth waited, at most."""
    medians: Sequence[float | None]
    slows: Sequence[float | None]
    """The same for each piece; None where none started."""


def history(waits: Iterable[Wait], window: Window) -> History:
    """What is drawn of some waits."""
    steps = [0] * (BUCKETS + 1)
    started: list[list[float]] = [[] for _ in range(BUCKETS)]
    begin, scale = window.begin, BUCKETS / window.seconds
    for _, since, until, has_started in waits:  # thousands of them, for each look at a page
        steps[_clamped(int((since - begin) * scale))] += 1
        if until is None:
            continue
        piece = _clamped(int((until - begin) * scale))
        steps[piece] -= 1
        if has_started and until >= begin:
            started[min(piece, BUCKETS - 1)].append(until - since)
    every = [seconds for piece in started for seconds in piece]
    return History(
        depth=[*accumulate(steps)][:BUCKETS],
        median=percentile(every, 50),
        slow=percentile(every, 95),
        medians=[percentile(piece, 50) for piece in started],
        slows=[percentile(piece, 95) for piece in started],
    )


def percentile(values: Sequence[float], percent: int) -> float | None:
    """The smallest of some values that so many percent are not above (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else None


def points(values: Sequence[float], width: int = 96, height: int = 24) -> str:
    """The points of a small line without axes."""
    most = max([*values, 1])
    step = width / max(1, len(values) - 1)
    places = (
        (n * step, height - 1 - (height - 2) * value / most) for n, value in enumerate(values)
    )
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _clamped(piece: int) -> int:
    return 0 if piece < 0 else min(piece, BUCKETS)
