"""The directories of runs that ended long ago are cleared away."""

import logging
import time
from pathlib import Path

import anyio
from anyio.to_thread import run_sync

from launchkit.builtin.local_process.reach import NoAnswer, Reach
from launchkit.builtin.local_process.rundir import clear_away, end_leftovers, is_outdated, prune
from launchkit.supervision.supervisor import OLD_SETUP, OVER

log = logging.getLogger("launchkit.local_process")

SWEEP_EVERY_SECONDS = 3600.0
SWEEP_DAYS = 7.0
OVER_DAYS = 1.0


async def sweep(root: Path, setups: Path, keep: bool) -> None:
    """Clear away what runs left long ago, now and from time to time."""
    sweeping = _Sweeping(keep)
    while True:
        try:
            for path in await run_sync(_listed, root):
                await sweeping.look(path)
            if not keep:
                for path in await run_sync(_old_setups, setups):
                    await sweeping.clear_away(path)
                await run_sync(prune, root, time.time(), OVER_DAYS)
        except OSError as exc:
            log.warning("old runs in %s cannot be cleared away: %s", root, exc)
        await anyio.sleep(SWEEP_EVERY_SECONDS)


class _Sweeping:
    """One directory after the other; what cannot be removed, or does not answer, is told once."""

    def __init__(self, keep: bool) -> None:
        self._keep = keep
        self._tried: set[Path] = set()
        self._silent: set[Path] = set()

    async def look(self, path: Path) -> None:
        """End what a run left, and clear its directory away if nobody will ask for it any more."""
        if path in self._silent:
            return
        reach = Reach(path)
        try:
            await reach.promptly(end_leftovers, path)
            if not self._keep and await reach.promptly(is_outdated, path, time.time(), SWEEP_DAYS):
                await self.clear_away(path)
        except NoAnswer as exc:
            self._silent.add(path)
            log.warning("%s", exc)
        except OSError as exc:
            log.warning("%s cannot be looked at: %s", path, exc.strerror)

    async def clear_away(self, path: Path) -> None:
        """Remove a directory, unless that was tried."""
        if path in self._tried:
            return
        self._tried.add(path)
        try:
            self._tried.add(
                await Reach(path).at_leisure(
                    clear_away,
                    path,
                )
            )
        except NoAnswer as exc:
            log.warning("%s", exc)


def _listed(root: Path) -> list[Path]:
    return [path for path in root.iterdir() if path.name != OVER]


def _old_setups(setups: Path) -> list[Path]:
    return [*setups.glob(f"*{OLD_SETUP}*")]
