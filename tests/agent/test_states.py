"""A launch changes its state as the reference says."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from agent import stage
from agent.conftest import Bench

from launchkit.model import ItemState

PAGE = Path(__file__).parents[2] / "docs/reference/states.md"
ROW = re.compile(r"^\| `(\w+)` \|.*\| ([^|]*) \|$", re.MULTILINE)


def told() -> set[tuple[str, str]]:
    table = PAGE.read_text().partition("## States of a run")[0]
    return {
        (state, after)
        for state, cell in ROW.findall(table)
        for after in re.findall(r"`(\w+)`", cell)
    }


@pytest.mark.parametrize("state", ["finished", "failed", "stopped"])
async def test_a_run_that_is_over_at_once_takes_a_way_that_is_told_of(
    bench: Bench, state: str
) -> None:
    await bench.client.create_queue("s", "stage", {"state": state})
    run = await bench.launch("print(1)", queue="s")
    async with bench.agent(stage, queues=["s"]):
        assert await bench.ended(run) == [ItemState(state)]
    states = [str(event.state) for event in await run.events() if event.state]
    steps = {*pairwise(states)}
    assert ("submitting", state) in steps
    assert steps <= told()
