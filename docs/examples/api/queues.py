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
        nightly = await client.queue("nightly")
        print(nightly.name, nightly.config, "waiting in it:", sum(nightly.counts.values()))

        wider = replace(nightly.queue.spec, max_concurrent=8)
        await client.edit_queue(wider, if_version=nightly.queue.version)
        try:
            await client.edit_queue(wider, if_version=nightly.queue.version)
        except Conflict as exc:
            print("refused:", exc)

        await client.pause_queue("nightly", "the disk is full", until=time.time() + 3600)
        await nightly.view()
        print("paused:", nightly.paused)
        await client.resume_queue("nightly")

        await nightly.pause("only an example")
        await nightly.resume()
        try:
            await nightly.launch(image="img")
        except Rejected as exc:
            print("refused:", exc)
        print("launched into it:", len(await nightly.launches()))

        for name in ("nightly", "small"):
            await client.delete_queue(name)


anyio.run(main)
