"""Launches that wait for room take turns."""

import anyio
from waiting import PATIENCE, until

from launchkit.aio.retry import Backoff
from launchkit.runners.quotas import LOGIN, Quotas
from launchkit.testing import RecordingOutput


async def test_launches_that_wait_for_room_try_one_after_the_other() -> None:
    """A hundred that are blocked ask no more often than one."""
    waits, done = Quotas(Backoff(first=0.2, cap=0.2, jitter=0.0)), 0
    waits.refused("large", "no room")

    async def wait() -> None:
        nonlocal done
        await waits.wait("large", RecordingOutput())
        done += 1
        waits.refused("large", "no room")

    began = anyio.current_time()
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            for _ in range(100):
                tasks.start_soon(wait)
            await until(lambda: done > 4)
            tasks.cancel_scope.cancel()
    assert done * 0.2 <= anyio.current_time() - began


async def test_what_was_not_refused_is_tried_at_once() -> None:
    waits, out = Quotas(Backoff(first=2 * PATIENCE)), RecordingOutput()
    waits.refused("large", "no room")
    with anyio.fail_after(PATIENCE):
        await waits.wait("small", out)
    assert out.marks == []


async def test_who_waits_is_told_for_what() -> None:
    waits, out = Quotas(Backoff(first=0.01, jitter=0.0)), RecordingOutput()
    waits.refused("large", "no room")
    waits.refused(LOGIN, "no token")
    await waits.wait("large", out)
    await waits.wait(LOGIN, out)
    assert out.marks == ["waits for quota: no room", "waits for credentials: no token"]


async def test_once_there_was_room_nobody_waits() -> None:
    waits, out = Quotas(Backoff(first=2 * PATIENCE)), RecordingOutput()
    waits.refused("large", "no room")
    waits.went_well("large")
    with anyio.fail_after(PATIENCE):
        await waits.wait("large", out)
    assert out.marks == []
