"""Where one is in a log that its node may turn over."""

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from launchkit_kubernetes.runs.log_place import (
    MAX_TEXT,
    PLACE,
    LogPlace,
    PlaceKeeper,
    kept_place,
)
from launchkit_kubernetes.runs.one_log import MarkedPlace
from launchkit_kubernetes.runs.streams import SECOND_NS, Stream

from launchkit.aio.retry import Backoff
from launchkit.codec import encode_json
from launchkit.errors import Unreachable
from launchkit.runners.log_following import Following, Piece

STREAM = Stream("pod", "main")
TOLD = b"[launchkit] output of pod/main may be lost"


class Node:
    """A node that gives pieces since a second, and breaks off after some."""

    def __init__(self, pieces: Sequence[tuple[int, bytes]], breaks: Sequence[int] = ()) -> None:
        self.pieces = [*pieces]
        self.breaks = iter(breaks)
        self.read = 0

    @asynccontextmanager
    async def open(self, since_ns: int | None) -> AsyncIterator[AsyncIterator[Piece[int]]]:
        yield self._since((since_ns or 0) // SECOND_NS * SECOND_NS)

    async def _since(self, since_ns: int) -> AsyncIterator[Piece[int]]:
        last = next(self.breaks, None)
        for number, (time_ns, data) in enumerate([p for p in self.pieces if p[0] >= since_ns]):
            if number == last:
                raise Unreachable("connection reset")
            self.read += 1
            yield Piece(data, time_ns=time_ns)

    async def over(self) -> bool:
        return True

    async def output(self, place: MarkedPlace) -> bytes:
        following = Following(
            source=self.open,
            over=self.over,
            on=Unreachable,
            backoff=Backoff(first=0.0),
            place=lambda _: place,
        )
        return b"".join([chunk.data async for chunk in following.chunks(place.given)])


steps = st.lists(st.tuples(st.integers(1, SECOND_NS), st.integers(0, 2)), min_size=1, max_size=30)


def pieces_of(steps: Sequence[tuple[int, int]]) -> list[tuple[int, bytes]]:
    """Times that go back by less than two seconds at most."""
    clock = itertools.accumulate(step for step, _ in steps)
    return [
        (10 * SECOND_NS + now - back * (SECOND_NS // 2), b"line %d\n" % number)
        for number, (now, (_, back)) in enumerate(zip(clock, steps, strict=True))
    ]


@given(steps, st.lists(st.integers(0, 9), max_size=9), st.integers(0, 99), st.data())
@settings(max_examples=300)
def test_no_byte_is_lost_or_repeated_while_the_file_stays(
    steps: list[tuple[int, int]], breaks: list[int], stop: int, data: st.DataObject
) -> None:
    pieces = pieces_of(steps)
    whole = b"".join(line for _, line in pieces)
    first = MarkedPlace(STREAM, LogPlace(), 0)
    got = anyio.run(Node(pieces[:stop], breaks).output, first)
    assert got == b"".join(line for _, line in pieces[:stop])
    offset = data.draw(st.integers(0, len(whole)))
    adopted = MarkedPlace(STREAM, first.kept(), offset)
    assert anyio.run(Node(pieces, breaks).output, adopted) == whole[offset:]


@given(steps, st.integers(0, 30), st.integers(0, 30))
@settings(max_examples=300)
def test_after_a_file_was_turned_over_all_that_is_left_and_new_is_given(
    steps: list[tuple[int, int]], stored: int, gone: int
) -> None:
    pieces = [
        (now, line)
        for (now, _), (_, line) in zip(
            pieces_of([(s, 0) for s, _ in steps]), pieces_of(steps), strict=True
        )
    ]
    first = MarkedPlace(STREAM, LogPlace(), 0)
    given_before = anyio.run(Node(pieces[:stored]).output, first)
    adopted = MarkedPlace(STREAM, first.kept(), len(given_before))
    rest = anyio.run(Node(pieces[gone:]).output, adopted)
    new = b"".join(line for _, line in pieces[max(stored, gone) :])
    if 0 < stored <= gone < len(pieces):
        assert rest.startswith(TOLD)
    assert rest.endswith(new)
    assert rest.count(b"\n") == new.count(b"\n") + rest.count(TOLD) or not stored


def test_a_long_output_is_not_read_from_the_beginning_after_each_break() -> None:
    node = Node([(number * SECOND_NS, b"x") for number in range(1, 1001)], breaks=[100] * 30)
    assert anyio.run(node.output, MarkedPlace(STREAM, LogPlace(), 0)) == b"x" * 1000
    assert node.read < 1600


@pytest.mark.parametrize(
    "kept",
    [
        None,
        7,
        "",
        "[",
        "[" * 60_000,
        "x" * (MAX_TEXT + 1),
        '{"offset": -1}',
        '{"marks": [[0, 99999999999999999999]]}',
        '{"streams": {"a": 1}}',
    ],
)
def test_a_place_that_makes_no_sense_is_the_beginning(kept: object) -> None:
    assert kept_place({"metadata": {"annotations": {PLACE: kept}}}) == LogPlace()


async def test_a_place_is_kept_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[str] = []

    async def save(text: str) -> None:
        saved.append(text)

    keeper = PlaceKeeper(save)
    for offset in range(0, 10_000_000, 1000):
        await keeper.stored(lambda: LogPlace(offset=offset), offset)  # noqa: B023 - called at once
    assert 9 <= len(saved) <= 11
    place = kept_place({"metadata": {"annotations": {PLACE: saved[-1]}}})
    assert encode_json(place) == saved[-1]
    await keeper.stored(lambda: LogPlace(lost=("a/b",)), 10_000_000, now=True)
    assert '"lost":["a/b"]' in saved[-1]
