"""Queues: make, look at, change, pause and remove them."""

import time
from dataclasses import replace

import anyio

import launchkit
from launchkit.errors import Conflict, Rejected
from launchkit.model import QueueSpec, Variable


async def main() -> None:
    """Needs no agent: nothing is launched."""
    async with launchkit.connect() as client:
        queue = await client.create_queue(
            "nightly",
            "local-process",
            {"nice": "{{niceness}}"},
            variables={"niceness": Variable(type="integer", default=5, maximum=19)},
            prioritization=True,
        )
        print("made:", queue.name, queue.spec.config)

        spec = QueueSpec(name="small", resource="local-process", max_concurrent=1)
        await client.check_queue(spec)
        await client.add_queue(spec)
        try:
            await client.check_queue(replace(spec, config={"nise": 5}))
        except Rejected as exc:
            print("refused:", exc)

        print("all:", [view.queue.name for view in await client.queues()])
        view = await client.queue("nightly")
        print("waiting in it:", sum(view.counts.values()))

        wider = replace(view.queue.spec, max_concurrent=8)
        await client.edit_queue(wider, if_version=view.queue.version)
        try:
            await client.edit_queue(wider, if_version=view.queue.version)
        except Conflict as exc:
            print("refused:", exc)

        await client.pause_queue("nightly", "the disk is full", until=time.time() + 3600)
        print("paused:", (await client.queue("nightly")).queue.pause)
        await client.resume_queue("nightly")

        for name in ("nightly", "small"):
            await client.delete_queue(name)


anyio.run(main)
