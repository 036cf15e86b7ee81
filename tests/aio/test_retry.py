"""Trying again: when, how long after, and when not."""

import itertools
import logging
import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchkit.aio import retry as module
from launchkit.aio.retry import Backoff, long_enough, pauses, retry, retry_after_of
from launchkit.aio.trouble import Trouble
from launchkit.errors import Rejected, Unreachable

AT_ONCE = Backoff(first=0.0)


def failing(*failures: BaseException) -> Callable[[], Awaitable[str]]:
    """A call that fails like this, one after the other, and then works."""
    left = iter(failures)

    async def call() -> str:
        for failure in left:
            raise failure
        return "done"

    return call


class Time:
    """The clock of the loop and the pauses, moved by the pauses alone."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.pauses: list[float] = []
        monkeypatch.setattr(module.anyio, "current_time", lambda: self.now)
        monkeypatch.setattr(module.anyio, "sleep", self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    return Time(monkeypatch)


async def test_what_fails_is_called_until_it_works() -> None:
    call = failing(Unreachable("away"), Unreachable("away"))
    assert await retry(call, on=Unreachable, backoff=AT_ONCE) == "done"


async def test_what_another_try_cannot_mend_is_raised_at_once() -> None:
    with pytest.raises(Rejected):
        await retry(failing(Rejected("no")), on=(Unreachable, OSError), backoff=AT_ONCE)


async def test_a_predicate_decides_what_is_worth_another_try() -> None:
    call = failing(OSError(1, "busy"), OSError(2, "gone"))
    with pytest.raises(OSError, match="gone"):
        await retry(call, on=lambda exc: "busy" in str(exc), backoff=AT_ONCE)


async def test_a_cancellation_is_no_failure() -> None:
    async def call() -> None:
        scope.cancel()
        await anyio.sleep_forever()

    with anyio.CancelScope() as scope:
        await retry(call, on=lambda _: True, backoff=AT_ONCE)
    assert scope.cancelled_caught


async def test_the_one_who_failed_may_ask_for_a_longer_pause(time: Time) -> None:
    call = failing(Unreachable("slow down", retry_after=7.0), Unreachable("away", retry_after=0.1))
    await retry(call, on=Unreachable, backoff=Backoff(first=1.0, jitter=0.0))
    assert time.pauses == [7.0, 2.0]


async def test_the_last_try_is_made_at_the_deadline(time: Time) -> None:
    call = failing(*[Unreachable(f"try {number}") for number in range(9)])
    with pytest.raises(Unreachable, match="try 4"):
        await retry(call, on=Unreachable, backoff=Backoff(1.0, 60.0, 0.0, deadline=10.0))
    assert time.pauses == [1.0, 2.0, 4.0, 3.0]


async def test_no_pause_is_made_that_ends_after_the_deadline(time: Time) -> None:
    call = failing(Unreachable("slow down", retry_after=60.0))
    with pytest.raises(Unreachable):
        await retry(call, on=Unreachable, backoff=Backoff(deadline=10.0))
    assert time.pauses == []


async def test_one_who_waits_is_told_once_that_it_does() -> None:
    told: list[str] = []

    async def tell(exc: Exception) -> None:
        told.append(str(exc))

    call = failing(Unreachable("away"), Unreachable("still away"))
    await retry(call, on=Unreachable, backoff=AT_ONCE, on_first=tell)
    assert told == ["away"]


async def test_64_that_suffer_from_one_thing_log_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="launchkit.test")
    back = anyio.Event()
    waiting = 0
    trouble = Trouble(logging.getLogger("launchkit.test"), "the Engine")

    async def call() -> None:
        nonlocal waiting
        waiting += 1
        if not back.is_set():
            raise Unreachable("no Engine")

    async with anyio.create_task_group() as tasks:
        for _ in range(64):
            tasks.start_soon(lambda: retry(call, on=Unreachable, backoff=AT_ONCE, trouble=trouble))
        while waiting < 640:
            await anyio.lowlevel.checkpoint()
        assert [record.getMessage() for record in caplog.records] == [
            "the Engine: no Engine; trying again"
        ]
        back.set()
    assert "works again" in caplog.records[1].getMessage()
    assert len(caplog.records) == 2


@given(
    first=st.floats(0.001, 10), cap=st.floats(10, 100), jitter=st.floats(0, 1), n=st.integers(0, 50)
)
def test_each_pause_is_at_most_double_the_last_one_and_never_above_the_cap(
    first: float, cap: float, jitter: float, n: int
) -> None:
    pause = next(itertools.islice(pauses(Backoff(first, cap, jitter)), n, None))
    longest = min(cap, first * 2**n)
    assert longest * (1 - jitter) * 0.999 <= pause <= longest


def test_two_who_began_together_do_not_come_back_together() -> None:
    several = {next(pauses(Backoff())) for _ in range(64)}
    assert len(several) > 32


def test_those_who_were_told_the_same_do_not_come_back_at_once() -> None:
    pauses = {long_enough(0.1, Unreachable("slow down", retry_after=4.0)) for _ in range(100)}
    assert len(pauses) > 90
    assert 4.0 <= min(pauses) < max(pauses) <= 6.0
    assert long_enough(0.1, Unreachable("away")) == 0.1


@pytest.mark.parametrize("wish", [61.0, 1e9, math.inf])
def test_nobody_is_left_alone_for_longer_than_an_agent_may_be_silent(wish: float) -> None:
    pauses = {long_enough(0.1, Unreachable("slow down", retry_after=wish)) for _ in range(100)}
    assert 60.0 <= min(pauses) < max(pauses) <= 90.0


@pytest.mark.parametrize("wish", [-1.0, math.nan, -math.inf])
def test_what_is_no_time_is_no_wish(wish: float) -> None:
    assert long_enough(0.1, Unreachable("slow down", retry_after=wish)) == 0.1


@pytest.mark.parametrize(
    ("header", "seconds"), [(None, None), ("7", 7), ("soon", None), ("-3", None), ("\u0663", None)]
)
def test_a_pause_may_be_a_number(header: str | None, seconds: float | None) -> None:
    assert retry_after_of(header) == seconds


def test_a_pause_may_be_a_time() -> None:
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    pause = retry_after_of(then)
    assert pause is not None
    assert 90 < pause <= 100
    assert retry_after_of("Wed, 21 Oct 2015 07:28:00 GMT") == 0
