"""Exceptions that leave a task group, or foreign code."""

import asyncio

import anyio
import pytest

from launchkit.errors import LeaseLost, RunLost, Unreachable, contained, unwrapped


def test_one_alone_comes_out_as_itself() -> None:
    with pytest.raises(ZeroDivisionError), unwrapped():
        raise ExceptionGroup("outer", [ExceptionGroup("inner", [ZeroDivisionError()])])


def test_several_stay_together() -> None:
    with pytest.raises(ExceptionGroup), unwrapped():
        raise ExceptionGroup("both", [ZeroDivisionError(), KeyError()])


def test_of_several_the_loss_of_the_lease_comes_out() -> None:
    inner = ExceptionGroup("inner", [LeaseLost("to another", ended=True), LeaseLost("too")])
    with pytest.raises(LeaseLost, match="to another"), unwrapped():
        raise ExceptionGroup("both", [ZeroDivisionError(), inner])


def test_of_several_of_our_own_the_first_comes_out() -> None:
    with pytest.raises(RunLost, match="first"), unwrapped():
        raise ExceptionGroup("both", [RunLost("first"), ExceptionGroup("in", [Unreachable("two")])])
    with pytest.raises(ExceptionGroup), unwrapped():
        raise ExceptionGroup("both", [RunLost("first"), ZeroDivisionError()])


async def test_a_cancellation_that_nobody_asked_this_task_for_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="raised CancelledError"), contained():
        await cancelled_elsewhere()
    both = BaseExceptionGroup("both", [asyncio.CancelledError(), KeyError()])
    with pytest.raises(RuntimeError, match="raised BaseExceptionGroup"), contained():
        raise both


async def test_a_cancellation_that_this_task_was_asked_for_passes() -> None:
    with anyio.move_on_after(0) as late, contained():
        await anyio.sleep_forever()
    assert late.cancelled_caught
    async with anyio.create_task_group() as group:
        group.start_soon(held_open)
        await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()


@pytest.mark.parametrize("own_fault", [False, True])
async def test_a_native_cancellation_passes_also_beside_another(*, own_fault: bool) -> None:
    async def hold() -> None:
        with contained():
            await (cancelled_elsewhere(at_once=False) if own_fault else anyio.sleep_forever())

    task = asyncio.get_running_loop().create_task(hold())
    await anyio.lowlevel.checkpoint()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_native_cancellation_that_comes_before_its_first_wait_passes() -> None:
    async def hold() -> None:
        task = asyncio.current_task()
        assert task
        task.cancel()
        with contained():
            await anyio.sleep_forever()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.get_running_loop().create_task(hold())


async def test_what_goes_on_after_a_cancellation_is_not_asked_again_while_it_is_shielded() -> None:
    failed = anyio.Event()

    async def clean_up() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                with pytest.raises(RuntimeError), contained():
                    await cancelled_elsewhere()
                failed.set()

    async with anyio.create_task_group() as group:
        group.start_soon(clean_up)
        await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()
    assert failed.is_set()


async def held_open() -> None:
    with contained():
        await anyio.sleep_forever()


async def cancelled_elsewhere(*, at_once: bool = True) -> None:
    """Await what somebody else cancels."""
    future = asyncio.get_running_loop().create_future()
    if at_once:
        future.cancel()
    await future
