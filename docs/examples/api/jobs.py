"""Jobs: keep a recipe under a name, and launch it; look at launches and at agents."""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import anyio

import launchkit
from launchkit.abc import PauseAgent, ResumeAgent
from launchkit.model import LaunchSpec, Overrides

SCRIPT = "import sys; print('hello', *sys.argv[1:])"


async def main(code: Path) -> None:
    """Needs an agent that serves the queue `examples`."""
    (code / "hello.py").write_text(SCRIPT)
    async with launchkit.connect() as client:
        recipe, _ = await client.recipe(uri=str(code))
        recipe = replace(recipe, entry_point=(sys.executable, "hello.py"))
        version, new = await client.create_job("hello", recipe, aliases=["stable"])
        print("made:" if new else "known already:", version.reference)
        print("all:", [job.reference for job in await client.jobs()])

        run = await client.launch("examples", job="hello:stable", args=["world"])
        print("ended:", (await run.wait()).state)

        job = await client.job("hello")
        spec = LaunchSpec(
            recipe=job.recipe, job=job.reference, overrides=Overrides(args=("there",))
        )
        await (await client.submit("examples", spec, idempotency_key="once")).wait()
        again = await client.submit("examples", spec, idempotency_key="once")
        print("the same launch:", again.item.state)

        other = await client.repeat(again.id)
        print("a new one:", (await other.wait()).state)

        for view in await client.launches(queue="examples", name="*", limit=10):
            print("launched:", view.item.id, view.item.state)
        for agent in await client.agents():
            print("agent:", agent.status.name, "holds", agent.held)
            await client.change_agent(agent.status.name, PauseAgent(reason="only an example"))
            await client.change_agent(agent.status.name, ResumeAgent())


with tempfile.TemporaryDirectory() as place:
    anyio.run(main, Path(place))
