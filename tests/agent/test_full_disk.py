"""An agent whose state directory stands on a full disk."""

import anyio
import pytest
from agent.conftest import Bench, text, until
from mounts import SmallDisk
from waiting import PATIENCE

from launchkit import LaunchHandle
from launchkit.agent.room import Room
from launchkit.errors import FetchError
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
        await run.wait_until(ItemState.RUNNING, timeout=PATIENCE)
        small_disk.fill()
        if not limit:
            await run.stop()
        assert await bench.ended(run) == [state]
        runs = small_disk.path / "runs"
        await until(lambda: [path.name for path in runs.iterdir()] == [".over"])
    assert run.item.verdict
    assert run.item.verdict.code == code


async def test_a_launch_that_finds_no_room_waits_for_it_and_runs_once(
    bench: Bench, small_disk: SmallDisk
) -> None:
    async with bench.agent(state_dir=str(small_disk.path / "state")):
        small_disk.fill()
        run = await bench.launch("print('ran')")
        await waits_for_room(run)
        small_disk.free()
        assert await bench.ended(run) == [ItemState.FINISHED]
    assert await text(run) == "ran"
    assert run.item.attempt == 1


@pytest.mark.parametrize("free", range(1, 8, 2))
async def test_with_little_room_a_launch_runs_later_or_tells_that_it_never_began(
    bench: Bench, small_disk: SmallDisk, free: int
) -> None:
    async with bench.agent(state_dir=str(small_disk.path / "state")):
        small_disk.fill(free)
        run = await bench.launch("pass")
        await waits_for_room(run)
        small_disk.free()
        await bench.ended(run)
    assert run.item.verdict
    assert run.item.verdict.code in {"ok", "submit_failed"}


async def test_a_launch_that_waits_for_room_is_stopped_at_once(
    bench: Bench, small_disk: SmallDisk
) -> None:
    async with bench.agent(state_dir=str(small_disk.path / "state")):
        small_disk.fill()
        run = await bench.launch("print('ran')")
        await waits_for_room(run)
        await run.stop()
        assert await bench.ended(run) == [ItemState.STOPPED]


async def test_room_is_waited_for_only_so_long() -> None:
    told: list[str] = []

    async def tell(text: str) -> None:
        told.append(text)

    full = FetchError("code: No space left on device")
    with pytest.raises(FetchError, match="No space"):
        await Room(tell, seconds=0).wait(full)
    room = Room(tell)
    await room.wait(full)
    await room.wait(full)
    assert told == ["waits for room: code: No space left on device"]
    with pytest.raises(FetchError, match="no such branch"):
        await room.wait(FetchError("no such branch"))


async def waits_for_room(run: LaunchHandle) -> None:
    """Come back when it waits, or has ended."""
    with anyio.fail_after(PATIENCE):
        async for event in run.changes():
            if "waits for room" in (event.cause or ""):
                return
