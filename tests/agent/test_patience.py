"""What goes wrong with watching a run is told once a cause, and tried again when it is asked to."""

from collections.abc import Iterator

import anyio

from launchkit.agent.patience import Patience
from launchkit.aio.retry import Backoff
from launchkit.errors import LaunchError, Unreachable

SOON = Backoff(first=0.001, cap=0.001)


async def told_of(failures: Iterator[Exception]) -> list[str]:
    """What is told until there are no more failures."""
    told: list[str] = []

    async def tell(text: str) -> None:
        told.append(text)

    async def look() -> None:
        for exc in failures:
            raise exc

    await Patience(tell, backoff=SOON).through("looked at", look)
    return told


async def test_causes_that_take_turns_are_told_once_each() -> None:
    failures = (LaunchError(f"cause {number % 2}") for number in range(40))
    assert await told_of(failures) == [
        "cannot be looked at now: cause 0; trying again",
        "cannot be looked at now: cause 1; trying again",
        "can be looked at again",
    ]


async def test_causes_without_end_are_told_up_to_a_limit() -> None:
    failures = (LaunchError(f"request {number}") for number in range(200))
    assert len(await told_of(failures)) < 20


async def test_who_asks_to_be_left_alone_is_left_alone() -> None:
    began = anyio.current_time()
    await told_of(iter([Unreachable("slower, please", retry_after=0.2)]))
    assert anyio.current_time() - began >= 0.2
