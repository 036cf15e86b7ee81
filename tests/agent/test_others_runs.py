"""A run of another launch, put on record by an agent as its own launch's, is left alone."""

import pytest
from agent.conftest import Bench, running, text
from agent.test_ending import POLITE, printed

from launchkit import LaunchHandle
from launchkit.agent.outcomes import preempted
from launchkit.codec import plain
from launchkit.model import AgentCapacity, ItemReport, ItemState
from launchkit.store.backend import StoreBackend
from launchkit.testing import site_at, started


async def recorded(bench: Bench, bait: LaunchHandle, report: ItemReport) -> None:
    """Claim *bait*, say *report* of it, and leave it to the next agent."""
    capacity = AgentCapacity(agent="thief", site="x", resources=frozenset({"local-process"}))
    made = StoreBackend(url=bench.url, entity=bait.item.entity)
    async with site_at(bench.folder / "site") as site, started(made, site) as backend:
        claim = await backend.claim("bait", capacity)
        assert claim is not None
        await backend.report(claim, report)
        await backend.leave("thief", dead=True)


@pytest.mark.parametrize(
    ("state", "ends", "expected"),
    [
        (ItemState.RUNNING, False, ItemState.FAILED),
        (ItemState.RUNNING, True, ItemState.FINISHED),
        (ItemState.SUBMITTING, False, ItemState.FINISHED),
    ],
)
async def test_the_run_of_another_launch_is_neither_read_nor_ended_whatever_is_on_record(
    bench: Bench, state: ItemState, ends: bool, expected: ItemState
) -> None:
    victim = await bench.launch(POLITE)
    async with bench.agent():
        await running(victim)
        await printed(victim, "ready")
        await bench.client.create_queue("bait", "local-process")
        bait = await bench.launch("print('mine')", queue="bait")
        ref = (await victim.view()).item.ref
        ends_as = {"ends_as": plain(preempted("so the thief says"))} if ends else {}
        await recorded(bench, bait, ItemReport(state=state, ref=ref, resolved=ends_as))
        async with bench.agent(queues=["bait"], name="next"):
            assert await bench.ended(bait) == [expected]
        if expected is ItemState.FAILED:
            assert bait.item.verdict
            assert bait.item.verdict.code == "run_lost"
            assert "is not its run" in bait.item.verdict.summary
        assert "ready" not in await text(bait)
        assert (await victim.view()).item.state is ItemState.RUNNING
        await victim.stop("enough")
        assert await bench.ended(victim) == [ItemState.STOPPED]
    assert (await text(victim)).split() == ["ready", "saved"]
