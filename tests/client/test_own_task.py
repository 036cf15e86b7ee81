"""Contexts that one task enters and another one leaves."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import anyio
import pytest

from launchkit.client.own_task import in_own_task

pytestmark = pytest.mark.anyio


class Told(Exception):
    """What breaks."""


class Place:
    """Notes what happens in it."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.breaks = anyio.Event()

    @in_own_task
    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Place"]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._break)
            try:
                yield self
            finally:
                with anyio.CancelScope(shield=True):
                    await anyio.lowlevel.checkpoint()
                self.seen.append("closed")
                tasks.cancel_scope.cancel()

    async def _break(self) -> None:
        await self.breaks.wait()
        raise Told

    @in_own_task
    @asynccontextmanager
    async def never(self) -> AsyncIterator["Place"]:
        try:
            await anyio.sleep_forever()
            yield self
        finally:
            self.seen.append("gone")


async def left(context: AbstractAsyncContextManager[Place]) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(context.__aexit__, None, None, None)


async def test_another_task_leaves_it() -> None:
    place = Place()
    context = place.opened()
    assert await context.__aenter__() is place
    assert not place.seen
    await left(context)
    assert place.seen == ["closed"]


async def test_an_exception_passes_as_it_is() -> None:
    place = Place()
    with pytest.raises(ZeroDivisionError):
        async with place.opened():
            raise ZeroDivisionError
    assert place.seen == ["closed"]


async def test_what_breaks_meanwhile_is_raised_where_it_is_left() -> None:
    place = Place()
    with pytest.RaisesGroup(Told):
        async with place.opened():
            place.breaks.set()
            while not place.seen:
                await anyio.lowlevel.checkpoint()


async def test_what_breaks_while_it_opens_is_raised_there() -> None:
    @in_own_task
    @asynccontextmanager
    async def broken() -> AsyncIterator[None]:
        raise Told
        yield

    with pytest.raises(Told):
        async with broken():
            pytest.fail("it is not open")


async def test_one_who_waits_for_it_can_be_cancelled() -> None:
    place = Place()
    with anyio.move_on_after(0) as waited:
        await place.never().__aenter__()
    assert waited.cancelled_caught
    assert place.seen == ["gone"]


async def test_one_who_is_cancelled_in_it_leaves_it_closed() -> None:
    place = Place()
    with anyio.CancelScope() as scope:
        async with place.opened():
            scope.cancel()
            await anyio.sleep_forever()
    assert place.seen == ["closed"]
