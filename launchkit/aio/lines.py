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
    parts: list[bytes] = []
    room = longest
    async for chunk in chunks:
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            yield b"".join(parts) + part[:room]
            parts, room = [], longest
        if rest and room:
            parts.append(rest[:room])
            room -= len(parts[-1])
    if parts:
        yield b"".join(parts)
