"""What happened, and how users wait for it."""

import pytest

from launchkit.abc import LaunchRequest
from launchkit.errors import NotFound
from launchkit.model import Event, ItemState
from launchkit.testing.contracts.conduct import refused
from launchkit.testing.contracts.hub.fixtures import UserContract
from launchkit.testing.contracts.service import HOUR, PAUSE, UserSide, only
from launchkit.testing.makers import make_spec


class EventContract(UserContract):
    """What `changed` and the logs of what never ran promise."""

    async def test_a_launch_is_the_first_event(self, user: UserSide) -> None:
        """With who asked, and what it repeats."""
        await user.queue()
        item = await user.launch()
        event = only(await user.events(item), "a launch is an event")
        assert (event.item_id, event.kind, event.state, event.actor, event.attempt) == (
            item.id, "state", ItemState.QUEUED, "ann", 1,
        ), "the first event of a launch says that it is queued, and who asked"  # fmt: skip
        assert event.at == item.created_at, "an event has the time at which it happened"
        request = LaunchRequest(spec=make_spec(author="bob"), actor="cat", again=item.id)
        again = await user.launches.launch("q", request)
        event = only(await user.events(again), "a launch is an event")
        assert item.id in str(event.cause), "it is told which launch is repeated"
        assert event.actor == "cat", "the actor is the one who asked, whoever the author is"

    async def test_one_who_follows_a_launch_is_woken_by_what_happens(self, user: UserSide) -> None:
        """And gets only what is new."""
        await user.queue()
        item = await user.launch()
        first = only(await user.events(item), "a launch is an event")
        news: list[Event] = []
        changed = user.hub.launches().changed

        async def follow() -> None:
            while not news:  # it may wake for nothing
                news.extend(await changed(item.id, first.id, HOUR))

        async def stop() -> None:
            await user.launches.stop(item.id, "bob", None)

        await user.woken("one who follows a launch is woken by what happens", follow, stop)
        assert [event.state for event in news] == [ItemState.STOPPED], "events come once"
        assert news[0].id > first.id, "events count up"

    async def test_one_who_follows_all_launches_is_woken_by_each(self, user: UserSide) -> None:
        """And gets only what is new."""
        await user.queue()
        await user.launch("old")
        (*_, last) = await user.launches.changed(None, 0, 0)
        news: list[Event] = []
        changed = user.hub.launches().changed

        async def follow() -> None:
            while not news:  # it may wake for nothing
                news.extend(await changed(None, last.id, HOUR))

        await user.woken(
            "one who follows all launches is woken by each", follow, lambda: user.launch("new")
        )
        new = await user.launches.get("new")
        assert [event.item_id for event in news] == [new.item.id], "events come once"

    async def test_events_are_those_of_the_launch_and_after_the_one_named(
        self, user: UserSide
    ) -> None:
        """With None those of all launches, in the order in which they happened."""
        await user.queue()
        one, two = await user.launch("one"), await user.launch("two")
        await user.launches.stop(one.id, "ann", None)
        mine = await user.events(one)
        assert {event.item_id for event in mine} == {one.id}, "events are those of the launch"
        assert [event.id for event in mine] == sorted(event.id for event in mine), (
            "events come in the order in which they happened"
        )
        assert await user.launches.changed(one.id, mine[0].id, 0) == mine[1:], (
            "only events above the one named are given"
        )
        everything = await user.launches.changed(None, 0, 0)
        assert [event.item_id for event in everything] == [one.id, two.id, one.id], (
            "with None the events of all launches are given, in the order of time"
        )
        rest = await user.launches.changed(None, everything[0].id, 0)
        assert rest == everything[1:], "only events above the one named are given"

    @pytest.mark.parametrize("of_all", [False, True])
    async def test_events_are_waited_for_as_long_as_one_is_told(
        self, user: UserSide, of_all: bool
    ) -> None:
        """And no longer; what is there comes at once."""
        await user.queue()
        item = await user.launch()
        subject = None if of_all else item.id
        with user.within("events that are there come without waiting"):
            event = only(await user.launches.changed(subject, 0, HOUR), "a launch is an event")
        await user.waits("`changed`", lambda: user.launches.changed(subject, event.id, PAUSE))
        assert await user.launches.changed(subject, event.id, 0) == [], "there is nothing new"

    async def test_an_empty_log_of_an_ended_launch_is_complete(self, user: UserSide) -> None:
        """Whoever follows it ends."""
        await user.queue()
        item = await user.launch()
        page = await user.logs.read(item.id, None, 0, 0)
        assert not page.complete, "the log of what waits is not complete"
        await user.launches.stop(item.id, "ann", None)
        page = await user.logs.read(item.id, None, 0, 0)
        assert (page.data, page.size, page.complete) == (b"", 0, True), (
            "the log of what never ran is empty and complete"
        )

    async def test_the_log_of_no_launch_is_not_found(self, user: UserSide) -> None:
        """It is not waited for."""
        with refused(NotFound, "the log of no launch is not found"):
            await user.logs.read("no-such-launch", None, 0, 0)

    async def test_one_who_waits_for_a_log_is_woken_by_the_end(self, user: UserSide) -> None:
        """Although nothing was printed."""
        await user.queue()
        item = await user.launch()
        over: list[bool] = []
        read = user.hub.logs().read

        async def follow() -> None:
            while not any(over):  # it may wake for nothing
                over.append((await read(item.id, None, 0, HOUR)).complete)

        async def stop() -> None:
            await user.launches.stop(item.id, "bob", None)

        await user.woken("the end of a launch wakes who reads its log", follow, stop)

    async def test_no_agents_are_shown_before_one_was_seen(self, user: UserSide) -> None:
        """And a queue without them says so to those who wait."""
        await user.queue()
        assert list(await user.hub.agents()) == [], "only agents that were seen are shown"
        assert (await user.view(await user.launch())).reason, "what waits knows why"
