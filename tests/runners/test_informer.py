"""One task tells all who wait for runs of one place, and nobody is told what is not so."""

import logging
from typing import Any

import anyio
import pytest
from waiting import PATIENCE, until

from launchkit.aio.retry import Backoff
from launchkit.aio.token_bucket import TokenBucket
from launchkit.aio.trouble import Trouble
from launchkit.runners.informer import Informer
from launchkit.testing import FakePlace, Throttle, at_work

Place = FakePlace[str, str]
SOON = Backoff(first=0.001, cap=0.002)


@pytest.fixture
def place() -> Place:
    return Place()


def polling(place: Place, **settings: Any) -> Informer[str, str]:
    trouble = Trouble(logging.getLogger("launchkit.test"), "the place")
    given = {"relist": 3600.0, "backoff": SOON, "trouble": trouble, **settings}
    return Informer(list_all=place.list_all, **given)


def watching(place: Place, **settings: Any) -> Informer[str, str]:
    return polling(place, watch=place.watch, **settings)


async def let_go_soon(place: Place) -> None:
    """Give the lists that are kept back, when everybody waits."""
    await anyio.wait_all_tasks_blocked()
    place.let_lists_go()


async def test_64_who_ask_share_one_list(place: Place) -> None:
    place.runs = {str(number): "running" for number in range(64)}
    informer = polling(place)
    async with at_work(informer), anyio.create_task_group() as tasks:
        for name in place.runs:
            tasks.start_soon(informer.get, name)
    assert place.lists == 1


async def test_a_run_that_was_just_submitted_is_not_lost_by_an_older_list(place: Place) -> None:
    informer = polling(place)
    place.hold_lists()
    async with at_work(informer), anyio.create_task_group() as tasks:
        tasks.start_soon(informer.get, "other")
        await place.looked.wait()
        place.runs["new"] = "starting"
        tasks.start_soon(let_go_soon, place)
        assert await informer.get("new") == "starting"
    assert place.lists == 2


async def test_what_is_gone_is_told_by_a_list_that_began_after_the_question(place: Place) -> None:
    async with at_work(informer := polling(place)):
        assert await informer.get("none") is None
        assert await informer.get("none") is None
    assert place.lists == 2


async def test_what_is_known_is_given_without_a_list_unless_it_must_be_fresh(place: Place) -> None:
    place.runs["a"] = "running"
    async with at_work(informer := polling(place)):
        await informer.get("a")
        place.runs["a"] = "ended"
        assert await informer.get("a") == "running"
        assert await informer.get("a", fresh=True) == "ended"


async def test_those_who_wait_hear_of_a_change_and_of_the_end(place: Place) -> None:
    place.runs["a"] = "running"
    async with at_work(informer := watching(place)):
        assert await informer.changed("a", None) == "running"
        await until(lambda: place.watched)
        place.put("a", "ended")
        assert await informer.changed("a", "running") == "ended"
        place.remove("a")
        assert await informer.changed("a", "ended") is None


async def test_a_watch_that_says_gone_is_not_believed_without_a_list(place: Place) -> None:
    place.runs["a"] = "running"
    async with at_work(informer := watching(place)):
        assert await informer.get("a") == "running"
        await until(lambda: place.watched)
        lists = place.lists
        with informer.subscribed("a"):
            place.tell("a", None)
            await until(lambda: place.lists > lists)
        assert await informer.get("a", fresh=True) == "running"


async def test_what_goes_and_nobody_waits_for_is_not_looked_for(place: Place) -> None:
    place.runs |= {"a": "ended", "b": "running"}
    async with at_work(informer := watching(place)):
        assert await informer.get("a") == "ended"
        await until(lambda: place.watched)
        await anyio.wait_all_tasks_blocked()
        lists = place.lists
        del place.runs["a"]
        place.tell("a", None)
        await anyio.wait_all_tasks_blocked()
        assert place.lists == lists
        assert await informer.get("a") is None


async def test_a_change_in_the_time_without_a_watch_is_found(place: Place) -> None:
    place.runs["a"] = "running"
    async with at_work(informer := watching(place)):
        await informer.get("a")
        for lost in (OSError("connection reset"), EOFError("the stream ended")):
            await until(lambda: place.watched)
            place.runs["a"] += "!"
            place.break_watches(lost)
            last = place.runs["a"].removesuffix("!")
            assert await informer.changed("a", last) == place.runs["a"]
        await until(lambda: place.watches == 3)


async def test_a_change_just_before_the_watch_is_open_again_is_found(place: Place) -> None:
    place.runs["a"] = "running"

    async def change() -> None:
        await until(lambda: informer._done == place.lists and informer._needed <= informer._done)
        place.runs["a"] = "ended"

    async with at_work(informer := watching(place)):
        await informer.get("a")
        await until(lambda: place.watched)
        place.opening = change
        place.break_watches(OSError("connection reset"))
        with anyio.fail_after(PATIENCE):
            assert await informer.changed("a", "running") == "ended"


async def test_a_watch_that_lags_is_overtaken_by_a_list_and_believed_again(place: Place) -> None:
    place.runs["a"] = "running"
    async with at_work(informer := watching(place)):
        await informer.get("a")
        await until(lambda: place.watched)
        place.lag()
        place.put("a", "ended")
        assert await informer.get("a", fresh=True) == "ended"
        place.catch_up()
        place.put("a", "removed")
        assert await informer.changed("a", "ended") == "removed"


async def test_while_the_watch_cannot_be_opened_lists_take_its_place(place: Place) -> None:
    place.runs["a"] = "running"
    place.faults.add(Throttle("watch", 10_000, error=OSError("forbidden")))
    async with at_work(informer := watching(place)):
        await informer.get("a")
        place.runs["a"] = "ended"
        with anyio.fail_after(PATIENCE):
            assert await informer.changed("a", "running") == "ended"


async def test_an_event_that_was_lost_is_found_by_the_slow_list(place: Place) -> None:
    place.runs["a"] = "running"
    async with at_work(informer := watching(place, relist=0.01)):
        assert await informer.changed("a", None) == "running"
        place.runs["a"] = "ended"
        with anyio.fail_after(PATIENCE):
            assert await informer.changed("a", "running") == "ended"


async def test_a_list_does_not_take_back_what_the_watch_has_told_meanwhile(place: Place) -> None:
    place.runs["a"] = "running"
    async with at_work(informer := watching(place)):
        assert await informer.get("a") == "running"
        await until(lambda: place.watches and informer._done == place.lists)
        place.hold_lists()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(informer.get, "other")
            await place.looked.wait()
            place.tell("a", "ended")
            assert await informer.changed("a", "running") == "ended"
            place.runs["a"] = "ended"
            place.let_lists_go()
        assert await informer.get("a") == "ended"


async def test_a_list_that_has_what_the_watch_told_meanwhile_stands_above_it(place: Place) -> None:
    place.runs["a"] = "running"
    async with at_work(informer := watching(place, merged=True)):
        assert await informer.get("a") == "running"
        await until(lambda: place.watches and informer._done == place.lists)
        place.runs["a"] = "ended"
        place.hold_lists()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(informer.get, "other")
            await place.looked.wait()
            place.tell("a", "running, and another part of it has changed")
            await informer.changed("a", "running")
            place.let_lists_go()
        assert await informer.get("a") == "ended"


async def test_trouble_in_listing_is_no_verdict_and_told_once(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="launchkit.test")
    place.runs["a"] = "running"
    place.faults.add(Throttle("list", 9, error=OSError("away")))
    async with at_work(informer := polling(place)), anyio.create_task_group() as tasks:
        for _ in range(64):
            tasks.start_soon(informer.get, "b")
        assert await informer.get("a") == "running"
        await until(lambda: len(caplog.messages) > 1)
    assert caplog.messages[0] == "the place: away; trying again"
    assert "works again" in caplog.messages[1]
    assert len(caplog.messages) == 2


async def test_a_place_that_is_away_is_told_once_for_lists_and_watch(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.faults.add(Throttle("list", 9, error=OSError("away")))
    place.faults.add(Throttle("watch", error=OSError("away")))
    place.runs["a"] = "running"
    async with at_work(informer := watching(place)):
        assert await informer.get("a") == "running"
        await until(lambda: place.watches)
    assert caplog.messages.count("the place: away; trying again") == 1


async def test_a_foreign_fault_does_not_end_the_watch_over_all_runs(place: Place) -> None:
    place.faults.add(Throttle("list", error=KeyError("status")))
    for error in (ValueError("no JSON"), RuntimeError("closed")):
        place.faults.add(Throttle("watch", error=error))
    async with at_work(informer := watching(place)):
        await informer.get("a")
        await until(lambda: place.watches)


async def test_nothing_is_listed_or_kept_while_nobody_is_interested(place: Place) -> None:
    place.runs["a"] = "running"
    async with at_work(informer := watching(place, relist=0.005)):
        await informer.get("a")
        await until(lambda: not informer._active.is_set())
        lists = place.lists
        await until(lambda: place.watched)
        place.tell("b", "running")
        await anyio.wait_all_tasks_blocked()
        assert informer._values == {}
        assert place.lists == lists
        assert await informer.get("a") == "running"


async def test_a_place_that_nobody_asked_for_long_is_watched_when_somebody_does(
    place: Place,
) -> None:
    place.runs["a"] = "running"
    async with at_work(informer := watching(place, relist=0.0)):
        await anyio.wait_all_tasks_blocked()
        assert await informer.get("a") == "running"
        await until(lambda: place.watches)


async def test_one_who_waits_keeps_the_lists_going(place: Place) -> None:
    place.runs["a"] = "running"
    informer = polling(place, relist=0.001)
    async with at_work(informer), anyio.create_task_group() as tasks:
        tasks.start_soon(informer.changed, "a", "running")
        await until(lambda: place.lists > 5)
        place.runs["a"] = "ended"


async def test_one_who_looks_for_itself_hears_of_its_run_alone(place: Place) -> None:
    place.runs = {"a": "running", "b": "running"}
    async with at_work(informer := watching(place)):
        with informer.subscribed("a") as news, informer.subscribed("b") as others:
            await until(lambda: place.watches and len(informer._values) == 2)
            await until(lambda: informer._done == informer._needed)
            for subscription in (news, others):
                await subscription.wait()
            place.tell("a", "ended")
            assert await news.wait(PATIENCE)
            assert not await others.wait(0)
            informer.news.notify("b")
            assert await others.wait(0)


async def test_one_who_looks_for_itself_is_told_by_a_list_of_what_nobody_told(place: Place) -> None:
    place.runs["a"] = "running"
    async with at_work(informer := watching(place, relist=0.005)):
        with informer.subscribed("a") as news:
            while place.runs["a"] == "running":
                await news.wait()
                place.runs["a"] = "ended"
            assert await news.wait(PATIENCE)


async def test_one_who_is_cancelled_leaves_nothing_behind(place: Place) -> None:
    place.runs["a"] = "running"
    async with at_work(informer := polling(place)):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(informer.changed, "a", "running")
            tasks.start_soon(informer.get, "b")
            await anyio.lowlevel.checkpoint()
            assert informer.news
            tasks.cancel_scope.cancel()
        assert not informer.news
        assert await informer.get("a") == "running"


async def test_lists_keep_to_the_limit_of_the_api(place: Place) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        bucket._tokens = 1.0

    bucket = TokenBucket(0.5, 1.0, clock=lambda: 0.0, sleep=sleep)
    async with at_work(informer := polling(place, limiter=bucket)):
        for _ in range(3):
            await informer.get("a")
    assert waits == [2.0, 2.0]
