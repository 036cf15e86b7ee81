"""What a person wants of a launch that waits."""

from dataclasses import replace

import pytest

from launchkit.abc import Change, Hold, Move, Release, Selection, SetPriority, Stop
from launchkit.errors import Conflict, NotFound, Rejected
from launchkit.model import ItemState, Priority, Variable
from launchkit.testing.contracts.conduct import refused
from launchkit.testing.contracts.hub.fixtures import UserContract
from launchkit.testing.contracts.service import UserSide, only

CHANGES = [
    Hold(reason="later"),
    Release(),
    SetPriority(level=Priority.HIGH),
    Stop(reason="too late"),
    Move(queue="q"),
]
SIZE = {"size": Variable(type="integer")}


class ChangeContract(UserContract):
    """What `change` promises."""

    async def test_what_waits_is_stopped_at_once_and_twice_is_once(self, user: UserSide) -> None:
        """The record tells who did it, and why."""
        await user.queue()
        item = await user.launch()
        other = await user.launch()
        for _ in range(2):
            stopped = await user.launches.stop(item.id, "bob", "too late")
            assert stopped.state is ItemState.STOPPED, "what waits is stopped at once"
            assert stopped.ended_at is not None, "what is stopped has ended"
            assert await user.item(item) == stopped, "`get` gives what `change` gave"
        *_, last = events = await user.events(item)
        assert [event.state for event in events] == [ItemState.QUEUED, ItemState.STOPPED], (
            "a stop is an event, once"
        )
        assert (last.actor, last.cause) == ("bob", "too late"), "it is told who did it, and why"
        assert await user.item(other) == other, "a change changes no other launch"

    async def test_what_is_held_waits_for_a_person_and_goes_back_to_its_place(
        self, user: UserSide
    ) -> None:
        """Those behind it move up meanwhile."""
        await user.queue()
        first, second = await user.launch("first"), await user.launch("second")
        held = await user.launches.change(first.id, Hold(reason="no data yet"), "bob")
        view = await user.view(first)
        assert (held.state, view.item) == (ItemState.HELD, held), "what is held is held"
        assert (view.position, (await user.view(second)).position) == (None, 1), (
            "what is held has no place, and those behind it move up"
        )
        assert "no data yet" in str(view.reason), "what is held tells why"
        assert (await user.queues.get("q")).counts[ItemState.HELD] == 1, "what is held is counted"
        back = await user.launches.change(first.id, Release(), "cat")
        view = await user.view(first)
        assert (back.state, view.position) == (ItemState.QUEUED, 1), (
            "what is released goes back to the place that it had"
        )
        assert "no data yet" not in str(view.reason), "what is released is not held"

    async def test_a_hold_and_a_release_are_events_once(self, user: UserSide) -> None:
        """One that is so already stays as it is."""
        await user.queue()
        item = await user.launch()
        await user.launches.change(item.id, Release(), "eve")
        await user.launches.change(item.id, Hold(reason="no data yet"), "bob")
        await user.launches.change(item.id, Hold(reason="another"), "eve")
        assert "no data yet" in str((await user.view(item)).reason), "what is held stays as it is"
        await user.launches.change(item.id, Release(), "cat")
        events = [(event.state, event.actor) for event in await user.events(item)]
        assert events[1:] == [(ItemState.HELD, "bob"), (ItemState.QUEUED, "cat")], (
            "a hold and a release are events, once, with who did it"
        )

    async def test_what_is_held_can_be_stopped(self, user: UserSide) -> None:
        """It waits, and no agent has it."""
        await user.queue()
        item = await user.launch()
        await user.launches.change(item.id, Hold(reason="no data yet"), "bob")
        with refused(Conflict, "a queue with launches that are held is not removed without force"):
            await user.queues.delete("q", "ann", force=False)
        stopped = await user.launches.stop(item.id, "bob", None)
        assert stopped.state is ItemState.STOPPED, "what is held is stopped at once"

    async def test_a_priority_that_is_set_changes_the_place(self, user: UserSide) -> None:
        """And is told, once."""
        await user.queue(prioritization=True)
        first, second = await user.launch("first"), await user.launch("second")
        for _ in range(2):
            changed = await user.launches.change(second.id, SetPriority(level=Priority.HIGH), "bob")
            assert changed.priority is Priority.HIGH, "a priority that is set is set"
        assert (await user.item(second)).priority is Priority.HIGH, "a priority that is set stays"
        assert await user.item(first) == first, "a change changes no other launch"
        places = [(await user.view(item)).position for item in (first, second)]
        assert places == [2, 1], "a priority that is set changes the place"
        event = only(
            await user.events(second, "priority"), "a priority that is set is an event, once"
        )
        assert event.actor == "bob", "a priority that is set is an event, once"

    async def test_a_priority_is_set_only_in_a_queue_with_prioritization(
        self, user: UserSide
    ) -> None:
        """Else it would be ignored in silence."""
        spec = await user.queue()
        item = await user.launch()
        with refused(Rejected, "a priority is set only in a queue with prioritization"):
            await user.launches.change(item.id, SetPriority(level=Priority.HIGH), "bob")
        assert await user.item(item) == item, "what is refused changes nothing"
        await user.update(replace(spec, prioritization=True))
        await user.launches.change(item.id, SetPriority(level=Priority.HIGH), "bob")

    async def test_what_waits_moves_to_another_queue(self, user: UserSide) -> None:
        """At the place of the time of its launch; told, once."""
        await user.queue()
        await user.queue("r", config={"size": "{{size}}"}, variables=SIZE)
        await user.queue("s")
        item = await user.launch()
        behind = await user.launch(queue="s")
        with refused(Rejected, "nothing moves to a queue that does not allow it"):
            await user.launches.change(item.id, Move(queue="r"), "bob")
        with refused(NotFound, "nothing moves to a queue that is not there"):
            await user.launches.change(item.id, Move(queue="no-such-queue"), "bob")
        assert await user.item(item) == item, "what is refused changes nothing"
        for _ in range(2):
            moved = await user.launches.change(item.id, Move(queue="s"), "bob")
            assert moved.queue == "s", "what is moved is in its new queue"
        places = [(await user.view(one)).position for one in (item, behind)]
        assert places == [1, 2], "what is moved has the place of the time of its launch"
        event = only(await user.events(item, "queue"), "a move is an event, once")
        assert event.actor == "bob", "a move is an event, with who did it"

    async def test_many_are_changed_each_for_itself(self, user: UserSide) -> None:
        """One that cannot be changed is told, and is in nobody's way."""
        await user.queue()
        await user.queue("p")
        items = [await user.launch() for _ in range(3)]
        other = await user.launch(queue="p")
        await user.launches.stop(items[1].id, "ann", None)
        changed = await user.launches.change_all(
            Selection(queue="q"), Hold(reason="no data yet"), "bob"
        )
        told = {one.id: one.refused for one in changed}
        assert {*told} == {item.id for item in items}, "all that are selected are told of"
        kept = [bool(told[item.id]) for item in items]
        assert kept == [False, True, False], "what cannot be changed is told, and only that"
        states = [(await user.item(item)).state for item in (*items, other)]
        assert states == [ItemState.HELD, ItemState.STOPPED, ItemState.HELD, ItemState.QUEUED], (
            "all that are selected are changed, and no other"
        )

    @pytest.mark.parametrize("change", CHANGES, ids=lambda change: type(change).__name__)
    async def test_what_has_ended_is_changed_no_more(self, user: UserSide, change: Change) -> None:
        """A stop of it is no error: it is so already."""
        await user.queue(prioritization=True)
        item = await user.launch()
        ended = await user.launches.stop(item.id, "ann", None)
        if isinstance(change, Stop):
            assert await user.launches.change(item.id, change, "bob") == ended, (
                "stopping what has ended gives it as it is"
            )
        else:
            with refused(Conflict, "what has ended is changed no more"):
                await user.launches.change(item.id, change, "bob")
        assert await user.item(item) == ended, "what has ended is changed no more"

    @pytest.mark.parametrize("change", CHANGES, ids=lambda change: type(change).__name__)
    async def test_what_is_not_there_is_not_found(self, user: UserSide, change: Change) -> None:
        """It is not changed in silence."""
        await user.queue()
        with refused(NotFound, "a launch that is not there is not found"):
            await user.launches.change("no-such-launch", change, "bob")
