"""Lives that are killed at each moment."""

from collections.abc import Awaitable, Callable, Sequence

import anyio
import pytest

from launchkit.errors import unwrapped
from launchkit.testing.counterparts import Lived, Moment
from launchkit.testing.counterparts.counterpart import STEPS

AT_ONCE = 4


async def at_each_moment(
    check: Callable[[Moment | None], Awaitable[Lived]],
    steps: Sequence[str] | None = None,
    *,
    nth: int = 1,
    first: int = 0,
) -> None:
    """A life in peace, in which *steps* are reached, shows the moments; then one is killed at each,
    or at each *nth* from the *first* on, several at once.
    """
    quiet = await check(None)
    assert steps in {None, (*quiet.told,)}, f"a life is whole, but {quiet.told}"
    asked = [moment for moment in quiet.moments if moment.kind not in STEPS]
    assert asked, "what a plugin asks reaches its counterpart"
    moments = quiet.moments[first % nth :: nth]
    failures: list[str] = []
    limiter = anyio.CapacityLimiter(AT_ONCE)
    killed: list[Moment] = []

    async def one(moment: Moment) -> None:
        async with limiter:
            try:
                with unwrapped():
                    lived = await check(moment)
            except (Exception, pytest.fail.Exception) as exc:  # noqa: BLE001 - whatever a plugin raises
                failures.append(f"killed {moment}: {exc!r}")
            else:
                killed.extend([moment] * lived.killed)

    async with anyio.create_task_group() as tasks:
        for moment in moments:
            tasks.start_soon(one, moment)
    if failures:
        many = f"({len(failures)} of {len(moments)} such lives go wrong)"
        pytest.fail("\n".join([f"{failures[0]} {many}", *failures[1:]]), pytrace=False)
    assert len(killed) * 2 > len(moments), f"lives are killed, but only {killed}"
