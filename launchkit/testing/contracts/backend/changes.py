"""What users want of launches that an agent holds, or has held."""

import pytest

from launchkit.abc import Hold, Release, Selection, SetPriority
from launchkit.errors import Conflict
from launchkit.model import ItemState, Priority
from launchkit.testing.contracts.backend.fixtures import ServiceContract
from launchkit.testing.contracts.conduct import refused
from launchkit.testing.contracts.service import Service, only


class ChangeUnderWayContract(ServiceContract):
    """What the hub's promises mean for agents."""

    async def test_a_stop_of_what_runs_is_a_wish_that_its_agent_carries_out(
        self, service: Service
    ) -> None:
        """Only the infrastructure says that a run ended."""
        await service.queue()
        claim = await service.started()
        await service.report(claim, ItemState.RUNNING, ref="r")
        asked = await service.launches.stop(claim.item.id, "bob", "too long")
        item = await service.item(claim.item)
        for one in (asked, item):
            assert (one.state, one.stop_requested) == (ItemState.RUNNING, True), (
                "the stop of a run is recorded, and the run goes on until its agent ends it"
            )
        event = only(await service.events(item, "stop"), "a wish to stop is an event")
        assert (event.actor, event.cause) == ("bob", "too long"), "it is told who wants it, and why"
        await service.launches.stop(claim.item.id, "eve", None)
        order = only((await service.beat(claim)).stop, "a stop order comes with each beat")
        assert order.by == "bob", "a stop that is wanted already stays as it is"
        await service.report(claim, ItemState.STOPPED)
        assert (await service.item(item)).state is ItemState.STOPPED, (
            "what its agent has stopped is stopped"
        )

    async def test_what_is_held_is_not_given_until_it_is_released(self, service: Service) -> None:
        """At the place that it had."""
        await service.queue()
        first = await service.launch("first")
        await service.launch("second")
        await service.launch("third")
        await service.launches.change(first.id, Hold(reason="later"), "bob")
        assert (await service.claim()).item.name == "second", "what is held is not given"
        await service.launches.change(first.id, Release(), "bob")
        assert (await service.claim()).item.name == "first", (
            "what is released is given, at the place that it had"
        )

    async def test_a_priority_that_is_set_decides_who_is_next(self, service: Service) -> None:
        """In a queue with prioritization."""
        await service.queue(prioritization=True)
        first = await service.launch("first")
        second = await service.launch("second")
        await service.launches.change(second.id, SetPriority(level=Priority.HIGH), "bob")
        await service.launches.change(first.id, SetPriority(level=Priority.LOW), "bob")
        await service.launch("third")
        names = [(await service.claim()).item.name for _ in range(3)]
        assert names == ["second", "third", "first"], "a priority that is set decides"

    @pytest.mark.parametrize(
        "change",
        [Hold(reason="later"), Release(), SetPriority(level=Priority.HIGH)],
        ids=lambda change: type(change).__name__,
    )
    async def test_what_is_under_way_is_stopped_but_not_changed_else(
        self, service: Service, change: Hold | Release | SetPriority
    ) -> None:
        """Its agent's word goes first."""
        await service.queue(prioritization=True)
        claim = await service.started()
        with refused(Conflict, "what is under way is stopped, but not changed else"):
            await service.launches.change(claim.item.id, change, "bob")
        assert await service.item(claim.item) == claim.item, "what is under way is not changed"

    @pytest.mark.parametrize("force", [False, True])
    async def test_a_queue_is_not_removed_while_an_agent_holds_an_item(
        self, service: Service, force: bool
    ) -> None:
        """Nobody would hear of its end."""
        await service.queue()
        claim = await service.started()
        waiting = await service.launch("waits")
        with refused(Conflict, "a queue is not removed while an agent holds an item"):
            await service.queues.delete("q", "ann", force=force)
        assert (await service.item(waiting)).state is ItemState.QUEUED, (
            "a queue that is not removed keeps its launches"
        )
        await service.report(claim, ItemState.FINISHED)
        await service.queues.delete("q", "ann", force=True)
        assert (await service.item(claim.item)).state is ItemState.FINISHED, (
            "what had ended stays as it was when its queue is removed"
        )

    async def test_a_queue_counts_its_items_by_state(self, service: Service) -> None:
        """One that is under way is not waiting."""
        await service.queue()
        done, runs = [await service.started(name) for name in ("done", "runs")]
        await service.report(done, ItemState.FINISHED)
        await service.report(runs, ItemState.RUNNING)
        await service.launch("waits")
        assert (await service.queues.get("q")).counts == {
            ItemState.FINISHED: 1, ItemState.RUNNING: 1, ItemState.QUEUED: 1,
        }, "a queue counts its items by state"  # fmt: skip
        assert (await service.view(runs.item)).position is None, "what runs has no place in line"
        assert (await service.launches.get("waits")).position == 1, "what waits is next"

    async def test_a_list_is_filtered_by_agent_and_state(self, service: Service) -> None:
        """The agent that holds or held an item."""
        await service.queue()
        ended = await service.started("ended", agent="gpu-1")
        await service.report(ended, ItemState.FINISHED)
        await service.started("runs", agent="gpu-1")
        await service.started("theirs", agent="gpu-2")
        await service.launch("waits")
        for selection, names in (
            (Selection(agent="gpu-1"), ["runs", "ended"]),
            (Selection(agent="gpu-2"), ["theirs"]),
            (Selection(agent="gpu-1", states=[ItemState.FINISHED]), ["ended"]),
            (Selection(states=[ItemState.CLAIMED]), ["theirs", "runs"]),
            (Selection(agent="gpu-3"), []),
        ):
            got = [view.item.name for view in await service.launches.list(selection)]
            assert got == names, f"a list keeps to {selection}"

    async def test_a_key_stands_for_its_launch_also_after_the_end(self, service: Service) -> None:
        """One who asks again late does not start it again."""
        await service.queue()
        item = await service.launch(key="k-1")
        claim = await service.claim()
        assert (await service.launch(key="k-1")).id == item.id, "a key stands for what runs"
        await service.report(claim, ItemState.FINISHED)
        assert (await service.launch(key="k-1")).id == item.id, (
            "a key stands for its launch also after the end"
        )
        await service.gives_nothing("a request that is repeated is not run again")
