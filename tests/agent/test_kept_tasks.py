"""Tasks that are begun again where they fail, and tell of it."""

import logging
from collections.abc import Iterator
from contextlib import AsyncExitStack

import anyio
import pytest
from anyio.abc import TaskStatus
from waiting import until

from launchkit.agent.kept_tasks import KeptTasks
from launchkit.aio.background import attend
from launchkit.aio.retry import Backoff
from launchkit.observe import journal

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _soon() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("launchkit.agent.kept_tasks.BACKOFF", Backoff(first=0.001, cap=0.001))
        yield


def kept(changes: list[str]) -> KeptTasks:
    log = journal(logging.getLogger("launchkit.agent"), "a")
    return KeptTasks(log, lambda: changes.append("changed"))


class Failing:
    """Fails so often, then goes on until it is cancelled."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.begun = 0
        self.ended = False

    async def run(self) -> None:
        self.begun += 1
        if self.begun <= self.times:
            raise ValueError("no such place")
        try:
            await anyio.sleep_forever()
        finally:
            self.ended = True

    async def started(self, *, task_status: TaskStatus[str]) -> None:
        task_status.started(f"begun {self.begun}")
        await self.run()


async def test_each_cause_is_told_once_and_the_task_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    changes: list[str] = []
    tasks, failing = kept(changes), Failing(3)
    async with anyio.create_task_group() as group:
        tasks.within(group).start_soon(failing.run, name="looks")
        await until(lambda: failing.begun == 4)
        (words,) = tasks.words
        group.cancel_scope.cancel()
    assert words == "looks, in the background, fails: ValueError('no such place'); trying again"
    assert changes == ["changed"]
    assert [one.levelname for one in caplog.records] == ["WARNING"]
    assert "no such place" in caplog.text


async def test_what_fails_when_it_has_told_that_it_began_is_begun_again() -> None:
    tasks, failing = kept([]), Failing(2)
    async with anyio.create_task_group() as group:
        assert await tasks.within(group).start(failing.started, name="looks") == "begun 0"
        await until(lambda: failing.begun == 3)
        group.cancel_scope.cancel()


async def test_what_fails_before_it_has_begun_fails_for_who_begins_it() -> None:
    async def never(*, task_status: TaskStatus[None]) -> None:
        raise ValueError("no such place")

    tasks = kept([])
    async with anyio.create_task_group() as group:
        with pytest.raises(ValueError, match="no such place"):
            await tasks.within(group).start(never)
    assert not tasks.words


async def test_what_works_again_is_told_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("launchkit.agent.kept_tasks.STEADY_SECONDS", 0.0)
    changes: list[str] = []
    tasks, failing = kept(changes), Failing(1)
    async with anyio.create_task_group() as group:
        tasks.within(group).start_soon(failing.run, name="looks")
        await until(lambda: changes == ["changed", "changed"])
        assert not tasks.words
        group.cancel_scope.cancel()


async def test_what_was_begun_again_ends_before_what_it_uses_is_closed() -> None:
    tasks, failing = kept([]), Failing(2)
    order: list[bool] = []
    async with anyio.create_task_group() as group:
        async with AsyncExitStack() as stack:
            stack.callback(lambda: order.append(failing.ended))
            attend(stack, tasks.within(group), failing.run, name="looks")
            await until(lambda: failing.begun == 3)
        assert order == [True]
        group.cancel_scope.cancel()


async def test_what_waits_to_be_begun_again_is_not_when_what_it_uses_is_closed() -> None:
    tasks, failing = kept([]), Failing(1_000_000)
    async with anyio.create_task_group() as group:
        async with AsyncExitStack() as stack:
            attend(stack, tasks.within(group), failing.run, name="looks")
            await until(lambda: failing.begun > 1)
        begun = failing.begun
    assert failing.begun == begun


async def test_what_cannot_be_begun_again_is_left_off_and_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tasks, failing = kept([]), Failing(1)
    await tasks.once("looks", failing.run())
    assert "looks, in the background, failed and is left off" in caplog.text
    assert tasks.words
