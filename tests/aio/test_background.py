from contextlib import AsyncExitStack

import anyio
import pytest

from launchkit.aio.background import attend

pytestmark = pytest.mark.anyio


async def test_what_goes_on_ends_before_what_it_uses_is_closed() -> None:
    order: list[str] = []
    begun = anyio.Event()

    async def watch() -> None:
        begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.lowlevel.checkpoint()
            order.append("the watch has ended")

    async with anyio.create_task_group() as tasks:
        async with AsyncExitStack() as stack:
            stack.callback(order.append, "the client is closed")
            attend(stack, tasks, watch, name="watch")
            await begun.wait()
        tasks.cancel_scope.cancel()
    assert order == ["the watch has ended", "the client is closed"]


async def test_a_failure_of_what_goes_on_is_one_of_its_task_group() -> None:
    async def watch() -> None:
        raise OSError("gone")

    async def attended() -> None:
        async with anyio.create_task_group() as tasks, AsyncExitStack() as stack:
            attend(stack, tasks, watch, name="watch")
            await anyio.sleep_forever()

    with pytest.raises(ExceptionGroup) as caught:
        await attended()
    assert caught.group_contains(OSError, match="gone")


async def test_it_ends_with_the_task_group() -> None:
    async with anyio.create_task_group() as tasks, AsyncExitStack() as stack:
        attend(stack, tasks, anyio.sleep_forever, name="watch")
        tasks.cancel_scope.cancel()
