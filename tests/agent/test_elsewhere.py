"""A run that is on record at a place where no agent can look: nothing is judged, until somebody
wants the launch to end.
"""

import anyio
import pytest
from agent import troubled
from agent.conftest import Bench, until
from agent.test_others_runs import recorded
from agent.test_trouble import causes, gated, left_behind
from waiting import PATIENCE

from launchkit import LaunchHandle
from launchkit.agent.outcomes import preempted
from launchkit.codec import plain
from launchkit.errors import Elsewhere
from launchkit.model import ItemReport, ItemState

AWAY = Elsewhere("it is in another region")


async def baited(
    bench: Bench, state: ItemState = ItemState.RUNNING, **told: object
) -> LaunchHandle:
    """A launch whose agent has told that its run is nowhere, and has gone."""
    await bench.client.create_queue("bait", "local-process")
    bait = await bench.launch("print('mine')", queue="bait")
    ref = f"/nowhere/\x1b[2Jruns/launchkit-{bait.item.run_id}-1"
    await recorded(bench, bait, ItemReport(state=state, ref=ref, resolved=told))
    return bait


async def troubles(run: LaunchHandle) -> list[str]:
    return [cause for cause in await causes(run) if "the run c" in cause]


async def looked_for(run: LaunchHandle) -> None:
    """Wait until an agent has told that it cannot be found."""
    with anyio.fail_after(PATIENCE):
        while not await troubles(run):  # noqa: ASYNC110
            await anyio.sleep(0.02)


def check_given_up(run: LaunchHandle) -> None:
    verdict = run.item.verdict
    assert verdict
    assert verdict.code == "run_lost"
    assert verdict.summary.startswith("Stopped by ")
    assert ": enough. What is on record as its run, '/nowhere/\\x1b[2Jruns/" in verdict.summary
    assert "is not where this agent can look: " in verdict.summary
    assert verdict.hint
    assert "look, and end it there" in verdict.hint


@pytest.mark.parametrize("now", [False, True])
@pytest.mark.parametrize("state", [ItemState.SUBMITTING, ItemState.RUNNING])
async def test_a_launch_whose_run_is_on_record_elsewhere_is_judged_when_somebody_stops_it(
    bench: Bench, state: ItemState, *, now: bool
) -> None:
    bait = await baited(bench, state)
    async with bench.agent(queues=["bait"], name="next", max_jobs=1):
        await looked_for(bait)
        following = await bench.launch("print(2)", queue="bait")
        assert (await bait.view()).item.state is state
        await bait.stop("enough", now=now)
        assert await bench.ended(bait, following) == [ItemState.FAILED, ItemState.FINISHED]
    check_given_up(bait)
    assert len(await troubles(bait)) == 1


@pytest.mark.parametrize("ends", [False, True])
async def test_a_launch_that_was_stopped_before_it_was_taken_over_ends_though_its_run_is_elsewhere(
    bench: Bench, *, ends: bool
) -> None:
    told = {"ends_as": plain(preempted("so it was told"))} if ends else {}
    bait = await baited(bench, **told)
    await bait.stop("enough")
    async with bench.agent(queues=["bait"], name="next"):
        assert await bench.ended(bait) == [ItemState.FAILED]
    check_given_up(bait)


async def test_a_run_that_was_elsewhere_is_gone_on_with_when_it_can_be_found(bench: Bench) -> None:
    run, gate = await gated(bench)
    await left_behind(bench, run)
    troubled.faults["attach"] += [AWAY] * 3
    async with bench.agent(troubled, queues=["t"]):
        await until(lambda: not troubled.faults["attach"])
        gate.touch()
        assert await bench.ended(run) == [ItemState.FAILED]
    assert (run.item.exit_code, run.item.attempt) == (3, 1)
    away, back = await troubles(run)
    assert (str(AWAY) in away, back) == (True, "the run can be found again")
