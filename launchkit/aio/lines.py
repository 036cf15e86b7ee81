"""Chunks of bytes to lines."""

import codecs
from collections.abc import AsyncGenerator, AsyncIterable

MAX_LINE = 1024 * 1024
LONGEST_TEXT = 1_000_000
"""Characters of a line that are given at once."""


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


async def text_lines(
    chunks: AsyncIterable[bytes], *, longest: int = LONGEST_TEXT
) -> AsyncGenerator[str, None]:
    """The lines of a stream as text, also the last one if it has no end; what is not UTF-8 is
    replaced. A line that is longer comes in parts of *longest* characters: no more than that is
    kept in memory, beside one chunk.
    """
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    held: list[str] = []
    size = 0
    async for chunk in chunks:
        *ended, rest = decoder.decode(chunk).split("\n")
        for line in ended:
            for part in _parts("".join((*held, line)), longest):
                yield part
            held, size = [], 0
        held.append(rest)
        size += len(rest)
        if size > longest:
            *full, rest = _parts("".join(held), longest)
            for part in full:
                yield part
            held, size = [rest], len(rest)
    if last := "".join((*held, decoder.decode(b"", final=True))):
        for part in _parts(last, longest):
            yield part


def _parts(line: str, longest: int) -> list[str]:
    """A line in parts; an empty one is one part."""
    return [line[at : at + longest] for at in range(0, len(line) or 1, longest)]
