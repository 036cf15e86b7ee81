"""Output on its way into the log: what comes together is stored together."""

import anyio
import pytest
from anyio.lowlevel import checkpoint
from waiting import until

from launchkit.agent.pump import MOST_BYTES, Gathered
from launchkit.model import LogChunk


async def test_what_came_while_nobody_took_it_is_one_piece() -> None:
    gathered = Gathered()
    for number in range(1000):
        await gathered.put(LogChunk(offset=7 + 5 * number, data=b"line\n"))
    assert await gathered.take() == LogChunk(offset=7, data=b"line\n" * 1000)
    gathered.end()
    assert await gathered.take() is None


async def test_what_has_come_is_given_before_the_end() -> None:
    gathered = Gathered()
    await gathered.put(LogChunk(offset=0, data=b"last"))
    gathered.end()
    assert (await gathered.take(), await gathered.take()) == (
        LogChunk(offset=0, data=b"last"),
        None,
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (LogChunk(offset=0, data=b"x" * MOST_BYTES), LogChunk(offset=MOST_BYTES, data=b"y")),
        (LogChunk(offset=0, data=b"x"), LogChunk(offset=100, data=b"y")),
    ],
    ids=["too much", "a gap"],
)
async def test_who_prints_too_much_or_with_a_gap_waits(first: LogChunk, second: LogChunk) -> None:
    gathered = Gathered()
    added: list[LogChunk] = []

    async def put() -> None:
        for chunk in (first, second):
            await gathered.put(chunk)
            added.append(chunk)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(put)
        await until(lambda: added)
        for _ in range(5):
            await checkpoint()
        assert added == [first]
        assert await gathered.take() == first
        assert await gathered.take() == second
