"""Waiting for what nothing tells of."""

from collections.abc import Callable
from contextlib import suppress

import anyio

from launchkit.abc import Output, Run, Runner
from launchkit.errors import LaunchkitError, NotYet, RunLost
from launchkit.model import RunState, RunStatus, Submission

PATIENCE = 300.0
"""Seconds: so long that only what hangs is given up, on any machine."""


async def until(condition: Callable[[], object], patience: float = PATIENCE) -> None:
    """Wait for a condition. :raises TimeoutError: if it does not come within *patience* seconds."""
    with anyio.fail_after(patience):
        while not condition():  # noqa: ASYNC110 - nothing tells us
            await anyio.sleep(0.01)


async def submitted(runner: Runner, submission: Submission, out: Output) -> Run:
    """Prepare and submit again and again until there is a place for it, as an agent does."""
    while True:
        await runner.prepare(submission, out)
        with suppress(NotYet):
            return await runner.submit(submission)


async def until_running(run: Run, patience: float = PATIENCE) -> RunStatus:
    """The status of a run once it is no longer starting. :raises TimeoutError: if it stays so."""
    status = await run.status()
    with anyio.fail_after(patience):
        while status.state is RunState.STARTING:
            status = await run.changed(status)
    return status


async def end_of(run: Run, patience: float = PATIENCE) -> RunStatus:
    """How a run ends; what cannot be told now is asked for again, as an agent does.

    :raises RunLost: if there is no such run any more.
    :raises TimeoutError: if it does not end within *patience* seconds.
    """
    status = RunStatus(state=RunState.STARTING)
    with anyio.fail_after(patience):
        while not status.state.ended:
            try:
                status = await run.changed(status)
            except RunLost:
                raise
            except LaunchkitError:
                await anyio.sleep(0.05)
    return status
