"""Chunks of bytes to lines."""

from collections.abc import AsyncGenerator, AsyncIterable

MAX_LINE = 1024 * 1024


async def lines(
    chunks: AsyncIterable[bytes], *, longest: int = MAX_LINE
) -> AsyncGenerator[bytes, None]:
    """The lines of a stream without their ends, also the last one if it has none; takes time in
    proportion to the bytes, however they are cut.

    Of a line that is longer, its first *longest* bytes are given, and the rest is dropped: no more
    than that is kept in memory, beside one chunk.
    """
    async for batch in line_batches(chunks, longest=longest):
        for line in batch:
            yield line


async def line_batches(
    chunks: AsyncIterable[bytes], *, longest: int = MAX_LINE
) -> AsyncGenerator[list[bytes], None]:
    """As `lines`, but all that have come to their end with one chunk at once."""
    parts: list[bytes] = []
    room = longest
    async for chunk in chunks:
        *ended, rest = chunk.split(b"\n")
        if ended:
            first, *others = ended
            yield [b"".join(parts) + first[:room], *(line[:longest] for line in others)]
            parts, room = [], longest
        if rest and room:
            parts.append(rest[:room])
            room -= len(parts[-1])
    if parts:
        yield [b"".join(parts)]
