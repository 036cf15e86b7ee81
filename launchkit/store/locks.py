"""Locks: one holder at a time for a name, each for a limited time."""

from dataclasses import dataclass

from launchkit.store.database import Tx


@dataclass(frozen=True)
class Acquire:
    """Take or renew a lock; gives False while another holder's time is not over."""

    name: str
    holder: str
    seconds: float

    async def __call__(self, tx: Tx) -> bool:
        until = tx.now + self.seconds
        row = await tx.one(
            "acquire_lock", name=self.name, holder=self.holder, until=until, now=tx.now
        )
        return row is not None


@dataclass(frozen=True)
class Release:
    """Give a lock back, if *holder* has it."""

    name: str
    holder: str

    async def __call__(self, tx: Tx) -> None:
        await tx.all("release_lock", name=self.name, holder=self.holder)
