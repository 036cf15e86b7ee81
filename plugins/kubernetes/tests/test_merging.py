"""Lines of several containers: read once, held within a bound, and put in the order of times."""

import math
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

import pytest
from launchkit_kubernetes.runs import merging
from launchkit_kubernetes.runs.log_place import LogPlace
from launchkit_kubernetes.runs.merging import AT_ONCE_BYTES, MOST_OPEN, Lines, Merge
from launchkit_kubernetes.runs.streams import SECOND_NS, Stream

A, B = Stream("pod", "a"), Stream("pod", "b")
LONG = b"x" * 9999 + b"\n"


class Node:
    """A node that gives what containers have printed since a second, and counts it."""

    def __init__(self, **printed: Sequence[tuple[int, bytes]]) -> None:
        self.printed = {Stream("pod", name): [*pieces] for name, pieces in printed.items()}
        self.opened = self.open = 0
        self.given = 0

    @asynccontextmanager
    async def source(self, stream: Stream, since_ns: int | None) -> AsyncIterator[Lines]:
        since = (since_ns or 0) // SECOND_NS * SECOND_NS
        self.opened += 1
        self.open += 1
        try:
            yield self._lines([p for p in self.printed[stream] if p[0] >= since])
        finally:
            self.open -= 1

    async def _lines(
        self, pieces: Sequence[tuple[int, bytes]]
    ) -> AsyncGenerator[tuple[int, bytes], None]:
        for time_ns, data in pieces:
            self.given += len(data)
            yield time_ns, data

    def merge(self) -> Merge:
        return Merge(LogPlace(), self.source)


async def look(merge: Merge, *streams: Stream) -> bool:
    """Look at each stream once; whether that is all."""
    merge.expect(streams)
    return all([await merge.read(stream, has_ended=False) for stream in streams])


async def passed(node: Node, merge: Merge) -> list[list[bytes]]:
    """What each pass through all that a node has gives."""
    given = []
    while not await look(merge, *node.printed):
        given.append(merge.ready(math.inf))
    return [*given, merge.ready(None)]


async def test_the_pieces_of_a_line_stay_together() -> None:
    node = Node(a=[(1, b"one "), (3, b"line\n")], b=[(2, b"another\n")])
    merge = node.merge()
    await look(merge, A, B)
    assert b"".join(merge.ready(math.inf)) == b"pod/a | one line\npod/b | another\n"


async def test_a_line_whose_rest_is_to_come_is_waited_for_and_others_are_given() -> None:
    node = Node(a=[(1, b"one ")], b=[(2, b"another\n")])
    merge = node.merge()
    await look(merge, A, B)
    assert merge.ready(math.inf) == [b"pod/b | another\n"]
    node.printed[A].append((3, b"line\n"))
    await look(merge, A, B)
    assert b"".join(merge.ready(math.inf)) == b"pod/a | one line\n"


async def test_a_line_without_an_end_is_given_when_it_is_too_long_and_when_all_is() -> None:
    long = b"x" * AT_ONCE_BYTES
    merge = Node(a=[(1, long)], b=[(2, b"another")]).merge()
    await look(merge, A, B)
    assert merge.ready(math.inf) == [b"pod/a | " + long]
    assert merge.ready(None) == [b"pod/b | another"]


async def test_however_much_is_printed_within_a_second_is_read_once() -> None:
    lines = [(SECOND_NS + number, LONG) for number in range(2000)]
    node = Node(a=lines, b=lines[:1000])
    merge = node.merge()
    passes = await passed(node, merge)
    assert sum(map(len, passes)) == 3000
    assert max(sum(map(len, lines)) for lines in passes) < 3 * AT_ONCE_BYTES
    printed = 3000 * len(LONG)
    assert node.given <= 3 * printed  # its ends are looked at once more
    assert node.open == 0


async def test_the_order_of_times_stands_however_much_there_is() -> None:
    node = Node(
        a=[(2 * number, b"a%06d " % number + LONG) for number in range(400)],
        b=[(2 * number + 1, b"b%06d " % number + LONG) for number in range(400)],
    )
    given = [line for lines in await passed(node, node.merge()) for line in lines]
    assert [line[8:15] for line in given[:4]] == [b"a000000", b"b000000", b"a000001", b"b000001"]
    names = [line[9:15] for line in given]
    assert names == sorted(names)


async def test_what_waits_for_another_stream_is_held_within_a_bound() -> None:
    node = Node(
        a=[(number, LONG) for number in range(1000)],
        b=[(SECOND_NS + number, LONG) for number in range(1000)],
    )
    merge = node.merge()
    for _ in range(50):
        await look(merge, A, B)
        merge.ready(math.inf)
        assert sum(len(piece.data) for piece in merge._waiting) < 3 * AT_ONCE_BYTES
    await merge.aclose()
    assert node.open == 0


async def test_of_very_many_streams_each_holds_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "MOST_HELD", 1 << 22)
    lines = [(number, b"\n") for number in range(1000)]
    node = Node(**{f"c{number}": lines for number in range(40)})
    merge = node.merge()
    await look(merge, *node.printed)
    await look(merge, *node.printed)
    assert len(merge._waiting) * merging.PIECE_BYTES < 1.1 * merging.MOST_HELD
    await merge.aclose()


async def test_so_many_streams_are_open_at_once_and_each_is_read_to_its_end() -> None:
    lines = [(number, LONG) for number in range(60)]
    node = Node(**{f"c{number}": lines for number in range(MOST_OPEN + 9)})
    merge = node.merge()
    given = most = 0
    async with aclosing(merge):
        while not await look(merge, *node.printed):
            most = max(most, node.open)
            given += len(merge.ready(math.inf))
        given += len(merge.ready(None))
    assert given == 60 * len(node.printed)
    assert most == MOST_OPEN


async def test_a_stream_of_which_much_is_skipped_is_looked_at_seldom(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node = Node(a=[(SECOND_NS, LONG)] * 1000)
    merge = node.merge()
    await passed(node, merge)
    monkeypatch.setattr(merging, "SKIPPED_PER_SECOND", 1)
    merge.wake()
    assert await look(merge, A)
    opened = node.opened
    assert await look(merge, A)
    assert node.opened == opened
    node.printed[A].append((2 * SECOND_NS, b"last words\n"))
    merge.wake()
    assert await look(merge, A)
    assert merge.ready(None) == [b"pod/a | last words\n"]
