"""Requests come no faster than a service allows now."""

import anyio

from launchkit.runners.pace import Pace


async def turns(pace: Pace, seconds: float) -> int:
    """How many requests there may be in so many seconds."""
    done = 0
    with anyio.move_on_after(seconds):
        while True:
            await pace.turn()
            done += 1
    return done


async def test_no_more_than_the_rate_and_its_burst_come_through() -> None:
    began = anyio.current_time()
    done = await turns(Pace(100.0, 10.0), 0.3)
    assert done <= 10 + 100 * (anyio.current_time() - began) + 1


async def test_what_is_refused_as_too_much_makes_it_slower() -> None:
    pace = Pace(100.0, 10.0)
    for _ in range(100):
        pace.refused()
    began = anyio.current_time()
    slow = await turns(pace, 0.5)
    assert slow <= 1 + 10 * (anyio.current_time() - began) + 1
