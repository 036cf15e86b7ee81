"""A launch: wait for it, read what it prints, hold it, stop it, launch it again."""

import sys
import tempfile
from pathlib import Path

import anyio

import launchkit
from launchkit.abc import Release, Selection
from launchkit.errors import Conflict
from launchkit.model import ItemState, Priority

SCRIPT = "import time\nfor n in range(3): print('step', n, flush=True)\ntime.sleep({})"


async def main(code: Path) -> None:
    """Needs an agent that serves the queue `examples`, which has prioritization."""
    (code / "short.py").write_text(SCRIPT.format(0))
    (code / "long.py").write_text(SCRIPT.format(600))
    async with launchkit.connect() as client:

        async def launch(script: str) -> launchkit.LaunchHandle:
            command = [sys.executable, script]
            return await client.launch("examples", uri=str(code), entry_point=command)

        run = await launch("short.py")
        async for line in run.logs(follow=True):
            print("it printed:", line)
        choices = await client.check_launch("examples", run.item.spec)
        print("asked again, it would run:", choices.entry_point)
        item = await run.wait(timeout=60)
        print(run.id, run.run_id, item.state, item.exit_code)
        async for chunk in run.output(offset=5):
            print("raw:", chunk.offset, chunk.data)
        for event in await run.events():
            print("event:", event.kind, event.state, event.cause)

        again = await run.requeue()
        async for event in again.changes():
            print("it is", event.state)

        run = await launch("long.py")
        await run.wait_until(ItemState.RUNNING, timeout=60)
        try:
            await run.give_up("only an example")
        except Conflict as exc:
            print("its agent has not gone for good:", exc)
        await run.stop("only an example")
        print((await run.wait(timeout=60)).state)

        await client.pause_queue("examples", "only an example")
        run = await launch("short.py")
        await run.set_priority(Priority.HIGH)
        await run.hold("look at the data first")
        print((await run.view()).reason)
        for changed in await client.change_all(Selection(queue="examples"), Release()):
            print(changed.id, "is released" if changed.refused is None else changed.refused)
        await run.move("examples")
        await client.resume_queue("examples")
        async for views in client.watch(Selection(queue="examples")):
            print([str(view.item.state) for view in views])
            if all(view.item.state.ended for view in views):
                break
        held = await client.select(Selection(states=[ItemState.HELD]))
        print("still held:", len(held))
        print("the first:", (await client.launched(again.id)).item.name)


with tempfile.TemporaryDirectory() as place:
    anyio.run(main, Path(place))
