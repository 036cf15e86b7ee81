"""The directories of runs that ended long ago are cleared away."""

import logging
import time
from pathlib import Path

import anyio
from anyio.to_thread import run_sync

from launchkit.builtin.local_process.rundir import clear_away, end_leftovers, outdated, prune
from launchkit.supervision.supervisor import OLD_SETUP

log = logging.getLogger("launchkit.local_process")

SWEEP_EVERY_SECONDS = 3600.0
SWEEP_DAYS = 7.0
OVER_DAYS = 1.0


async def sweep(root: Path, setups: Path, keep: bool) -> None:
    """Clear away what runs left long ago, now and from time to time."""
    tried: set[Path] = set()  # what cannot be removed is told once
    while True:
        try:
            await run_sync(end_leftovers, root)
            if not keep:
                for path in await run_sync(_outdated, root, setups) - tried:
                    tried |= {path, await run_sync(clear_away, path)}
                await run_sync(prune, root, time.time(), OVER_DAYS)
        except OSError as exc:
            log.warning("old runs in %s cannot be cleared away: %s", root, exc)
        await anyio.sleep(SWEEP_EVERY_SECONDS)


def _outdated(root: Path, setups: Path) -> set[Path]:
    old = setups.glob(f"*{OLD_SETUP}*")
    return {*outdated(root, time.time(), SWEEP_DAYS), *old}
