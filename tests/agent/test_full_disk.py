"""An agent whose state directory stands on a full disk."""

import pytest
from agent.conftest import Bench, running, until
from mounts import SmallDisk

from launchkit.model import ItemState, Timeouts

SLEEP = "import time\ntime.sleep(300)"


@pytest.mark.parametrize(
    ("limit", "state", "code"),
    [(0, ItemState.STOPPED, "stopped"), (1, ItemState.FAILED, "run_timeout")],
)
async def test_stops_and_time_outs_work_on_a_full_disk(
    bench: Bench, small_disk: SmallDisk, limit: int, state: ItemState, code: str
) -> None:
    run = await bench.launch(SLEEP, timeouts=Timeouts(run=limit))
    async with bench.agent(state_dir=str(small_disk.path)):
        await running(run)
        small_disk.fill()
        if not limit:
            await run.stop()
        assert await bench.ended(run) == [state]
        runs = small_disk.path / "runs"
        await until(lambda: [path.name for path in runs.iterdir()] == [".over"])
    assert run.item.verdict
    assert run.item.verdict.code == code
