"""A launch that may be what ends its agents waits for a person, before it has ended many."""

from agent.conftest import Bench
from agent.test_unstarted import killed_before_the_start
from waiting import PATIENCE

from launchkit import LaunchHandle
from launchkit.abc import Release
from launchkit.agent.ending import MAX_LAPSES
from launchkit.model import AgentCapacity, ItemReport, ItemState
from launchkit.store.backend import StoreBackend
from launchkit.testing import site_at, started


async def killed_while_they_built(bench: Bench, number: int) -> None:
    """Let so many agents take the launch, one after the other, and die."""
    capacity = AgentCapacity(agent="gone", site="here", resources=frozenset({"local-process"}))
    made = StoreBackend(url=bench.url, entity="default")
    async with site_at(bench.folder / "site") as site, started(made, site) as backend:
        for _ in range(number):
            claim = await backend.claim("q", capacity)
            assert claim is not None
            await backend.report(claim, ItemReport(state=ItemState.BUILDING))
            await backend.leave("gone", dead=True)


async def is_held_and_can_be_tried_again(bench: Bench, run: LaunchHandle) -> None:
    item = await run.wait_until(ItemState.HELD, timeout=PATIENCE)
    assert item.message == (
        f"{MAX_LAPSES} agents in a row fell silent while they prepared it, perhaps because of it;"
        f" to have it tried again: launchkit requeue {run.item.id}"
    )
    await bench.client.hub.launches().change(run.item.id, Release(), "ann")
    assert await bench.ended(run) == [ItemState.FINISHED], run.item.verdict


async def test_a_launch_whose_agents_died_is_held_and_can_be_tried_again(bench: Bench) -> None:
    run = await bench.launch("print(1)")
    await killed_while_they_built(bench, MAX_LAPSES)
    async with bench.agent():
        await is_held_and_can_be_tried_again(bench, run)


async def test_nothing_is_left_of_a_start_whose_launch_is_held(bench: Bench) -> None:
    run = await bench.launch("print(1)")
    await killed_while_they_built(bench, MAX_LAPSES - 1)
    place = await killed_before_the_start(bench, run)
    async with bench.agent():
        await is_held_and_can_be_tried_again(bench, run)
    assert not place.exists()


async def test_a_launch_of_which_fewer_agents_died_runs(bench: Bench) -> None:
    run = await bench.launch("print(1)")
    await killed_while_they_built(bench, MAX_LAPSES - 1)
    async with bench.agent():
        assert await bench.ended(run) == [ItemState.FINISHED], run.item.verdict


async def test_a_launch_that_is_to_end_is_stopped_and_not_held(bench: Bench) -> None:
    run = await bench.launch("print(1)")
    await killed_while_they_built(bench, MAX_LAPSES)
    await run.stop("enough")
    async with bench.agent():
        assert await bench.ended(run) == [ItemState.STOPPED]
    assert "held" not in [event.state for event in await run.events()]
