"""Waiting for what must happen: so long that only what hangs is given up, on any machine."""

from collections.abc import Callable

import anyio

PATIENCE = 300.0
"""Seconds. Below the time limit of a test, so that what was waited for is named."""


async def until(condition: Callable[[], object]) -> None:
    """Wait for what nothing tells us of."""
    with anyio.fail_after(PATIENCE):
        while not condition():  # noqa: ASYNC110 - nothing tells us
            await anyio.sleep(0.01)
