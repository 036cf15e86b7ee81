"""The lines of one container, as its node gives them: in pieces of any length."""

from collections.abc import AsyncIterator

from launchkit_kubernetes.runs.streams import SECOND_NS, STORED_BYTES, _stamped, nothing

TIMES = {b"2026-01-02T03:04:05Z ": 1767323045, b"2026-01-02T03:04:06.5Z ": 1767323046.5}
FIRST, SECOND = TIMES
OWN = b"2021-12-12T12:12:12Z of its own\n"


async def given(*chunks: bytes) -> list[tuple[int, bytes]]:
    """The lines of some chunks with their times."""

    async def each() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    lines: list[tuple[int, bytes]] = []
    begun = False
    async for time_ns, piece in _stamped(each(), follow=False, at_end=nothing):
        if begun:
            lines[-1] = lines[-1][0], lines[-1][1] + piece
        else:
            lines.append((time_ns, piece))
        begun = not piece.endswith(b"\n")
    return lines


async def test_a_time_that_a_line_begins_with_stays_wherever_a_chunk_ends() -> None:
    told = FIRST + OWN + SECOND + b"\n" + SECOND + OWN
    lines = [(at(FIRST), OWN), (at(SECOND), b"\n"), (at(SECOND), OWN)]
    for end in range(len(told) + 1):
        assert await given(told[:end], told[end:]) == lines, told[:end]
    assert await given(*(told[nth : nth + 1] for nth in range(len(told)))) == lines


async def test_a_time_that_a_part_of_a_long_line_begins_with_stays_wherever_a_chunk_ends() -> None:
    stored = b"x" * STORED_BYTES
    told = FIRST + stored + SECOND + OWN
    for end in range(len(FIRST + stored) - 1, len(told)):
        (line,) = await given(told[:end], told[end:])
        assert line == (at(FIRST), stored + OWN), told[end:]


def at(stamp: bytes) -> int:
    return int(TIMES[stamp] * SECOND_NS)
