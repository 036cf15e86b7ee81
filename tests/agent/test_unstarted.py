"""What an agent has made for a run, and did not live to start, goes when the launch ends."""

from pathlib import Path

from agent import stage
from agent.conftest import Bench

from launchkit import LaunchHandle
from launchkit.model import AgentCapacity, ItemReport, ItemState
from launchkit.store.backend import StoreBackend
from launchkit.testing import site_at, started


async def killed_before_the_start(bench: Bench, run: LaunchHandle) -> Path:
    """Leave a launch as an agent does that is killed when it has made all ready, and said so."""
    place = bench.folder / "state" / "runs" / f"launchkit-{run.run_id}-1"
    (place / "code").mkdir(parents=True)
    capacity = AgentCapacity(agent="gone", site="here", resources=frozenset({"local-process"}))
    made = StoreBackend(url=bench.url, entity=run.item.entity)
    async with site_at(bench.folder / "site") as site, started(made, site) as backend:
        claim = await backend.claim("q", capacity)
        assert claim is not None
        await backend.report(claim, ItemReport(state=ItemState.SUBMITTING, ref=str(place)))
        await backend.leave("gone", dead=True)
    return place


async def test_nothing_is_left_of_a_launch_that_is_stopped_before_its_run_began(
    bench: Bench,
) -> None:
    run = await bench.launch("print(1)")
    place = await killed_before_the_start(bench, run)
    await run.stop("enough")
    async with bench.agent():
        assert await bench.ended(run) == [ItemState.STOPPED]
    assert run.item.verdict
    assert run.item.verdict.summary.endswith("before it started: enough.")
    assert not place.exists()


async def test_nothing_is_left_of_a_launch_that_is_refused_when_it_is_submitted_again(
    bench: Bench,
) -> None:
    run = await bench.launch("print(1)", name="forbidden")
    place = await killed_before_the_start(bench, run)
    async with bench.agent(stage):
        assert await bench.ended(run) == [ItemState.FAILED]
    assert not place.exists()
