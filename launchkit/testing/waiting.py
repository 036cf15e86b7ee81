"""Waiting for what nothing tells of."""

from collections.abc import Callable

import anyio

PATIENCE = 300.0
"""Seconds: so long that only what hangs is given up, on any machine."""


async def until(condition: Callable[[], object], patience: float = PATIENCE) -> None:
    """Wait for a condition. :raises TimeoutError: if it does not come within *patience* seconds."""
    with anyio.fail_after(patience):
        while not condition():  # noqa: ASYNC110 - nothing tells us
            await anyio.sleep(0.01)
