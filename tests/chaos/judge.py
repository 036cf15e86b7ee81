"""What must hold after whatever went wrong; each breach is a sentence."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from launchkit.model import ItemState


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A launch, as the queue tells of it in the end."""

    run_id: str
    state: ItemState
    exit_code: int | None
    ends: int
    """How often it was told to have ended."""
    log: str
    code: int
    """What its program ends with, unless it is stopped."""
    stopped: bool
    """Whether somebody has asked for that."""
    refused: bool = False
    """Whether it was told not to have been started at all, as on a full disk."""
    why: str = ""
    """What was told of its end."""


@dataclass(frozen=True)
class Mark:
    """What a program itself has noted: that it starts, ends, or could not print."""

    word: str
    run_id: str


def marks(text: str) -> Sequence[Mark]:
    """The marks of all programs, in their order."""
    return [Mark(*line.split()) for line in text.splitlines()]


def breaches(
    seen: Sequence[Seen], noted: Sequence[Mark], *, whole: str, limit: int
) -> Iterator[str]:
    """What does not hold: each launch starts once and ends once, as its program says, with its
    *whole* log, and never are more than *limit* alive.
    """
    words = Counter((mark.run_id, mark.word) for mark in noted)
    for one in seen:
        for breach in _of(one, words, whole):
            yield f"run {one.run_id} ({one.state}): {breach}; it was told: {one.why or 'nothing'}"
    if (most := _most_alive(noted)) > limit:
        yield f"{most} were alive at once, and {limit} are allowed"


def _of(one: Seen, words: Counter[tuple[str, str]], whole: str) -> Iterator[str]:
    starts, ends = (words[one.run_id, word] for word in ("start", "end"))
    if not one.state.ended:
        yield "has not ended"
        return
    if one.ends != 1:
        yield f"was told {one.ends} times to have ended"
    if one.refused and starts == 0:
        return
    if starts > 1 or (starts == 0 and not one.stopped):
        yield f"was started {starts} times"
    if starts != ends:
        yield f"started {starts} times and ended {ends} times"
    if one.state is ItemState.STOPPED:
        if not one.stopped:
            yield "was stopped by nobody"
        return
    wanted = ItemState.FAILED if one.code else ItemState.FINISHED
    if not one.stopped and (one.state, one.exit_code) != (wanted, one.code):
        yield f"ended with {one.exit_code}, and its program with {one.code}"
    if not one.stopped and not words[one.run_id, "hole"] and one.log != whole:
        yield f"has {len(one.log)} letters of its log, of {len(whole)}"


def _most_alive(noted: Sequence[Mark]) -> int:
    alive = most = 0
    for mark in noted:
        alive += {"start": 1, "end": -1}.get(mark.word, 0)
        most = max(most, alive)
    return most
