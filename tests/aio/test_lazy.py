"""Opened when it is first needed, and once."""

from types import ModuleType

import anyio
import pytest

from launchkit.aio.lazy import Lazy


class Opening:
    """Counts how often it was opened; fails the first *failures* times."""

    def __init__(self, failures: int = 0) -> None:
        self.times = 0
        self.failures = failures

    async def __call__(self, module: ModuleType) -> str:
        self.times += 1
        await anyio.lowlevel.checkpoint()
        if self.times <= self.failures:
            raise OSError("away")
        return module.__name__


async def test_it_is_opened_once_for_all_who_come_meanwhile() -> None:
    opening = Opening()
    lazy = Lazy("colorsys", opening)
    assert lazy.value is None
    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(lazy.opened)
    assert (opening.times, lazy.value) == (1, "colorsys")


async def test_an_opening_that_failed_is_tried_again_by_the_next_who_asks() -> None:
    lazy = Lazy("colorsys", Opening(failures=1))
    with pytest.raises(OSError, match="away"):
        await lazy.opened()
    assert await lazy.opened() == "colorsys"


async def test_one_who_is_cancelled_while_it_opens_does_not_keep_others_from_it() -> None:
    opening = Opening()
    lazy = Lazy("colorsys", opening)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await lazy.opened()
    assert await lazy.opened() == "colorsys"
