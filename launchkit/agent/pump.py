"""Copy what a run prints into the queue's log, without gaps, also across agents."""

from contextlib import aclosing
from functools import partial

from launchkit.abc import QueueBackend, Run
from launchkit.agent.persist import persist
from launchkit.model import Claim
from launchkit.observe import Journal


async def pump(run: Run, backend: QueueBackend, claim: Claim, log: Journal, base: int) -> None:
    """Go on where the stored log ends, until the run has ended and all of it is stored. The
    run's own output begins at byte *base* of the log.

    :raises LeaseLost: if the claim is no longer ours.
    """
    what = f"log of {claim.item.id}"
    size = await persist(partial(backend.log_size, claim), what, log)
    async with aclosing(run.logs(size - base)) as chunks:
        async for chunk in chunks:
            offset = base + chunk.offset
            await persist(partial(backend.append_log, claim, offset, chunk.data), what, log)
