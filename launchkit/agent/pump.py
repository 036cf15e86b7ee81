"""Copy what a run prints into the queue's log, without gaps, also across agents."""

from contextlib import aclosing
from functools import partial

from launchkit.abc import QueueBackend, Run
from launchkit.agent.backoff import persist
from launchkit.model import Claim
from launchkit.observe import Journal


async def pump(run: Run, backend: QueueBackend, claim: Claim, log: Journal) -> None:
    """Go on where the stored log ends, until the run has ended and all of it is stored.

    :raises LeaseLost: if the claim is no longer ours.
    """
    what = f"log of {claim.item.id}"
    offset = await persist(partial(backend.log_size, claim), what, log)
    async with aclosing(run.logs(offset)) as chunks:
        async for chunk in chunks:
            await persist(partial(backend.append_log, claim, chunk.offset, chunk.data), what, log)
