"""Output over reconnects: each byte once, in order, and not all of it each time."""

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchkit.aio.retry import Backoff
from launchkit.errors import Unreachable
from launchkit.model import LogChunk
from launchkit.runners.log_following import CursorLost, Following, Piece

AT_ONCE = Backoff(first=0.0)
SLACK = 10


class Stored:
    """Output as a platform stores it: pieces with times, of which streams give those since a time.
    Streams break after *breaks* pieces, one number for each; then everything is there.
    """

    def __init__(self, pieces: Sequence[tuple[int, bytes]], breaks: Sequence[int] = ()) -> None:
        self.pieces = pieces
        self.breaks = iter(breaks)
        self.opened: list[int | None] = []
        self.read = 0

    @asynccontextmanager
    async def open(self, cursor: int | None) -> AsyncIterator[AsyncIterator[Piece[int]]]:
        self.opened.append(cursor)
        yield self._since(cursor)

    async def _since(self, cursor: int | None) -> AsyncIterator[Piece[int]]:
        last = next(self.breaks, None)
        wanted = [piece for piece in self.pieces if cursor is None or piece[0] >= cursor]
        for number, (time, data) in enumerate(wanted):
            if number == last:
                raise Unreachable("connection reset")
            self.read += 1
            yield Piece(data=data, cursor=time, time_ns=time)

    async def over(self) -> bool:
        return True


async def output(following: Following[int], offset: int = 0) -> bytes:
    """All of it, seen to be without a gap."""
    data = b""
    async for chunk in following.chunks(offset):
        assert chunk.offset == offset + len(data)
        assert chunk.data
        data += chunk.data
    return data


def follow(stored: Stored) -> Following[int]:
    return Following(
        source=stored.open, over=stored.over, on=Unreachable, backoff=AT_ONCE, slack_ns=SLACK
    )


times = st.lists(st.tuples(st.integers(0, 7), st.integers(0, SLACK)), max_size=30)


@given(times, st.lists(st.integers(0, 9), max_size=9), st.integers(0, 40))
@settings(max_examples=300)
def test_no_byte_is_lost_repeated_or_moved(
    steps: list[tuple[int, int]], breaks: list[int], offset: int
) -> None:
    clock = itertools.accumulate(step for step, _ in steps)
    stamped = [now - back for now, (_, back) in zip(clock, steps, strict=True)]
    pieces = [(time, b"%d," % number) for number, time in enumerate(stamped)]
    whole = b"".join(data for _, data in pieces)
    got = anyio.run(output, follow(Stored(pieces, breaks)), offset)
    assert got == whole[offset:]


async def test_a_long_output_is_not_read_from_the_beginning_after_each_break() -> None:
    stored = Stored([(time, b"x") for time in range(1000)], breaks=[100] * 30)
    assert len(await output(follow(stored))) == 1000
    assert stored.read < 1600
    assert stored.opened[1] is not None


async def test_equal_times_are_never_cut_apart() -> None:
    pieces = [(time // 50, b"%d," % time) for time in range(300)]
    stored = Stored(pieces, breaks=[170, 170, 170])
    stored_whole = b"".join(data for _, data in pieces)
    following = Following(
        source=stored.open, over=stored.over, on=Unreachable, backoff=AT_ONCE, slack_ns=1
    )
    assert await output(following) == stored_whole
    assert stored.opened[1:3] == [2, 4]


async def test_a_clock_that_was_set_back_makes_it_read_from_the_beginning() -> None:
    pieces = [(time, b"%d," % time) for time in (*range(100), *range(20, 90))]
    stored = Stored(pieces, breaks=[110])
    assert await output(follow(stored)) == b"".join(data for _, data in pieces)
    assert stored.opened == [None, None]


class Pages:
    """Pages behind tokens, as a cloud's log service has them; tokens may be lost."""

    def __init__(self, pages: Sequence[bytes]) -> None:
        self.pages = pages
        self.lost = False
        self.ended = False
        self.opened: list[int | None] = []

    @asynccontextmanager
    async def open(self, cursor: int | None) -> AsyncIterator[AsyncIterator[Piece[int]]]:
        self.opened.append(cursor)
        if self.lost and cursor is not None:
            self.lost = False
            raise CursorLost("the token has expired")
        yield self._from(cursor or 0)

    async def _from(self, number: int) -> AsyncIterator[Piece[int]]:
        for token in range(number, len(self.pages)):
            yield Piece(data=self.pages[token], cursor=token)

    async def over(self) -> bool:
        self.ended = len(self.opened) >= 3
        return self.ended


def paged(pages: Pages) -> Following[int]:
    return Following(source=pages.open, over=pages.over, on=Unreachable, backoff=AT_ONCE)


async def test_what_comes_after_the_end_of_a_stream_is_given_until_the_run_is_over() -> None:
    pages = Pages([b"a", b"b"])
    chunks = paged(pages).chunks(0)
    assert [(await anext(chunks)).data for _ in range(2)] == [b"a", b"b"]
    pages.pages = [b"a", b"bb", b"c"]
    assert [(chunk.offset, chunk.data) async for chunk in chunks] == [(2, b"b"), (3, b"c")]
    assert pages.opened == [None, 1, 2, 2]


async def test_a_token_that_has_expired_makes_it_read_from_the_beginning() -> None:
    pages = Pages([b"a", b"b"])
    chunks = paged(pages).chunks(0)
    await anext(chunks)
    pages.lost = True
    assert [chunk.data async for chunk in chunks] == [b"b"]
    assert pages.opened == [None, 1, None, 1]


async def test_a_file_is_followed_from_an_offset(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"0123456789")

    @asynccontextmanager
    async def source(cursor: int | None) -> AsyncIterator[AsyncIterator[Piece[int]]]:
        async with await anyio.open_file(path, "rb") as file:

            async def pieces() -> AsyncIterator[Piece[int]]:
                at = await file.seek(cursor or 0)
                while data := await file.read(3):
                    yield Piece(data=data, cursor=at)
                    at += len(data)

            yield pieces()

    async def over() -> bool:
        return True

    following = Following(source=source, over=over, on=OSError, backoff=AT_ONCE)
    assert await output(following, offset=4) == b"456789"


async def test_what_is_no_trouble_is_raised_to_the_one_who_reads() -> None:
    @asynccontextmanager
    async def source(_: int | None) -> AsyncIterator[AsyncIterator[Piece[int]]]:
        raise ValueError("unreadable")
        yield

    stored = Stored([])
    following = Following(source=source, over=stored.over, on=Unreachable, backoff=AT_ONCE)
    with pytest.raises(ValueError, match="unreadable"):
        await output(following)


async def test_a_reading_that_broke_off_is_not_the_last_one() -> None:
    stored = Stored([(1, b"a"), (2, b"b"), (3, b"c")], breaks=[0, 1, 2, 3, 3])
    assert await output(follow(stored)) == b"abc"
    assert len(stored.opened) == 4


async def test_the_end_of_a_run_is_not_waited_for_after_its_stream_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored = Stored([(1, b"a")])

    async def over() -> bool:
        return bool(stored.opened)

    async def sleep(seconds: float) -> None:
        raise AssertionError(seconds)

    monkeypatch.setattr("launchkit.runners.log_following.anyio.sleep", sleep)
    following = Following(source=stored.open, over=over, on=Unreachable, slack_ns=SLACK)
    assert await output(following) == b"a"
    assert len(stored.opened) == 2


@pytest.mark.parametrize("broken", [True, False])
async def test_pauses_grow_while_nothing_comes(
    broken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    stored = Stored([(1, b"a")], breaks=[0] * 4 if broken else [])

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def over() -> bool:
        return len(waits) == 5

    monkeypatch.setattr("launchkit.runners.log_following.anyio.sleep", sleep)
    backoff = Backoff(1.0, 4.0, 0.0)
    following = Following(source=stored.open, over=over, on=Unreachable, backoff=backoff)
    assert await output(following) == b"a"
    assert waits == ([1.0, 2.0, 4.0, 4.0, 1.0] if broken else [1.0, 2.0, 4.0, 4.0, 4.0])


class Whole:
    """A place that takes each piece for new, and knows no cursors."""

    def __init__(self, offset: int) -> None:
        self.given = offset

    def restart(self) -> None:
        """Nothing was noted."""

    def reopened(self) -> int | None:
        return None

    def take(self, piece: Piece[int]) -> LogChunk | None:
        self.given += len(piece.data)
        return LogChunk(offset=self.given - len(piece.data), data=piece.data)


async def test_a_source_that_loses_output_may_bring_a_place_of_its_own() -> None:
    stored = Stored([(1, b"a"), (2, b"b")])
    following = Following(source=stored.open, over=stored.over, on=Unreachable, place=Whole)
    assert await output(following, 7) == b"ab"
