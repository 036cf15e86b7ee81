"""What ends in a thread when nobody waits for it any more."""

from collections.abc import Callable

import anyio
from anyio import from_thread
from anyio.to_thread import run_sync


async def ends_when_cancelled(work: Callable[[], object]) -> bool:
    """Whether *work* in a thread ends early when who waits for it is cancelled as it begins."""
    whole = False

    def run() -> None:
        nonlocal whole
        from_thread.run_sync(scope.cancel)
        work()
        whole = True

    with anyio.CancelScope() as scope:
        await run_sync(run)
    return not whole
