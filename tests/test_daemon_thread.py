"""Threads for what may block for ever."""

import threading

import anyio
import pytest
from waiting import PATIENCE, until

from launchkit import daemon_thread
from launchkit.daemon_thread import MOST_IDLE, in_daemon_thread


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test has the threads of another."""
    monkeypatch.setattr(daemon_thread, "_threads", daemon_thread._Threads())


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """A machine that starts no other thread while this says so."""
    told = [False]
    start = threading.Thread.start

    def refused(thread: threading.Thread) -> None:
        if told[0]:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refused)
    return told


async def test_where_no_thread_can_be_started_one_that_is_there_is_waited_for(
    full: list[bool],
) -> None:
    held = threading.Event()
    found: list[int] = []

    async def hold() -> None:
        await in_daemon_thread(held.wait)

    async def ask(number: int) -> None:
        found.append(await in_daemon_thread(lambda: number))

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(hold)
            await anyio.lowlevel.checkpoint()
            full[0] = True
            for number in range(3):
                tasks.start_soon(ask, number)
            await anyio.lowlevel.checkpoint()
            assert not found
            held.set()
    assert sorted(found) == [0, 1, 2]


async def test_where_none_is_there_and_none_can_be_started_it_is_told(full: list[bool]) -> None:
    over: list[bool] = []
    full[0] = True
    with pytest.raises(RuntimeError, match="new thread"):
        await in_daemon_thread(lambda: None, lambda: over.append(True))
    full[0] = False
    assert await in_daemon_thread(lambda: 5) == 5
    assert over == [True]


async def test_what_was_given_up_before_it_had_a_thread_is_not_begun(full: list[bool]) -> None:
    held = threading.Event()
    begun: list[bool] = []
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(in_daemon_thread, held.wait)
            await anyio.lowlevel.checkpoint()
            full[0] = True
            with anyio.move_on_after(0):
                await in_daemon_thread(lambda: begun.append(True))
            held.set()
        assert await in_daemon_thread(lambda: 5) == 5
    assert not begun


async def test_only_so_many_threads_are_kept() -> None:
    barrier = threading.Barrier(MOST_IDLE * 2)
    before = threading.active_count()
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            for _ in range(MOST_IDLE * 2):
                tasks.start_soon(in_daemon_thread, barrier.wait)
        await until(lambda: threading.active_count() <= before + MOST_IDLE)
