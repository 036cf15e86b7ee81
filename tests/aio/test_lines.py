"""Chunks to lines."""

import tracemalloc
from collections.abc import AsyncIterator, Sequence

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchkit.aio.lines import line_batches, lines, text_lines


async def stream(chunks: Sequence[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def read(*chunks: bytes, longest: int = 100) -> list[bytes]:
    return [line async for line in lines(stream(chunks), longest=longest)]


@pytest.mark.parametrize(
    ("chunks", "wanted"),
    [
        ([b"a\nb\n"], [b"a", b"b"]),
        ([b"a", b"b\nc", b"", b"d"], [b"ab", b"cd"]),
        ([b"\n\n", b"\n"], [b"", b"", b""]),
        ([b"a\r\nb"], [b"a\r", b"b"]),
        ([], []),
    ],
)
async def test_lines_may_be_cut_anywhere(chunks: list[bytes], wanted: list[bytes]) -> None:
    assert await read(*chunks) == wanted


@pytest.mark.parametrize("chunks", [[b"abcdefgh\nij"], [b"ab", b"cd", b"efgh", b"\n", b"ij"]])
async def test_the_rest_of_a_line_that_is_too_long_is_dropped(chunks: list[bytes]) -> None:
    assert await read(*chunks, longest=3) == [b"abc", b"ij"]


async def test_what_ends_with_one_chunk_comes_at_once() -> None:
    chunks = stream([b"a", b"b\nc\nd", b"e", b"\n", b"f"])
    assert [batch async for batch in line_batches(chunks)] == [[b"ab", b"c"], [b"de"], [b"f"]]


async def test_a_long_line_in_many_chunks_is_put_together_once() -> None:
    (line,) = await read(*[b"x" * 64] * 16_384, longest=2**20)
    assert line == b"x" * 2**20


@given(st.lists(st.binary(max_size=6).map(lambda data: data.replace(b"\0", b"\n"))), st.data())
def test_how_a_text_is_cut_into_chunks_does_not_matter(
    chunks: list[bytes], data: st.DataObject
) -> None:
    longest = data.draw(st.integers(1, 8))
    *whole, last = b"".join(chunks).split(b"\n")
    wanted = [line[:longest] for line in ([*whole, last] if last else whole)]
    assert anyio.run(lambda: read(*chunks, longest=longest)) == wanted


async def read_text(*chunks: bytes, longest: int = 100) -> list[str]:
    return [line async for line in text_lines(stream(chunks), longest=longest)]


@given(
    st.lists(
        st.sampled_from([b"a", b"\xc3", b"\xa9", b"\xe2\x82", b"\xac\n", b"\n", b"bcdef", b""])
    ),
    st.integers(1, 4),
)
def test_text_comes_line_by_line_and_long_lines_in_parts(chunks: list[bytes], longest: int) -> None:
    *whole, last = b"".join(chunks).decode(errors="replace").split("\n")
    wanted = [
        line[at : at + longest]
        for line in ([*whole, last] if last else whole)
        for at in range(0, len(line) or 1, longest)
    ]
    assert anyio.run(lambda: read_text(*chunks, longest=longest)) == wanted


async def test_of_a_line_of_any_length_no_more_than_some_parts_are_kept() -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b"x" * 100_000

    tracemalloc.start()
    try:
        size = 0
        async for part in text_lines(endless()):
            size += len(part)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size == 100_000_000
    assert most < 10_000_000
