"""Locks: one holder at a time for a name, each for a limited time.

Names are shared by all entities, as images and GPUs are. Holders are not: an agent of one entity is
nobody in another, whatever its name is.
"""

from typing import NamedTuple

from launchkit.errors import ConfigError
from launchkit.model.names import LONGEST_LOCK_BYTES, size_of
from launchkit.store.database import Database, Tx

OF_THE_SERVICE = "service:"
"""How the names of locks begin that no agent takes."""


class Acquire(NamedTuple):
    """Take or renew a lock; gives False while another holder's time is not over.

    :raises ConfigError: if the name is too long.
    """

    name: str
    holder: str
    seconds: float

    async def __call__(self, tx: Tx) -> bool:
        size = size_of(self.name)
        if size > LONGEST_LOCK_BYTES:
            raise ConfigError(
                f"the name of a lock has {size} bytes in UTF-8, and may have {LONGEST_LOCK_BYTES}"
            )
        until = tx.now + self.seconds
        row = await tx.one(
            "acquire_lock", name=self.name, holder=self.holder, until=until, now=tx.now
        )
        return row is not None


class Release(NamedTuple):
    """Give a lock back, if *holder* has it."""

    name: str
    holder: str

    async def __call__(self, tx: Tx) -> None:
        await tx.all("release_lock", name=self.name, holder=self.holder)
        tx.publish(topic_of(self.name))


class FreeIn(NamedTuple):
    """The seconds after which a lock is free, unless it is renewed; 0 if it is."""

    name: str

    async def __call__(self, tx: Tx) -> float:
        row = await tx.one("lock_of", name=self.name)
        return max(0.0, row["until"] - tx.now) if row else 0.0


def agent_of(holder: str) -> str:
    """The agent that a holder belongs to, as the agent itself writes it: what is before `/`."""
    return holder.partition("/")[0]


def holder_in(entity: str, holder: str) -> str:
    """The holder of a lock that an agent of *entity* calls *holder*."""
    return f"{_part(entity)}/{holder}"


def holders_of(entity: str, agent: str) -> str:
    """How all holders of an agent begin, and no others: no name of an agent has a `/`."""
    return holder_in(entity, f"{agent}/")


def _part(entity: str) -> str:
    return entity.replace("%", "%25").replace("/", "%2F")


async def free(database: Database, name: str, wait: float) -> None:
    """Return when a lock may be had, at the latest after *wait* seconds."""
    with database.topics.subscribed(topic_of(name)) as news:
        left = await database.read(FreeIn(name), prompt=True)
        if left > 0:
            await news.wait(min(wait, left))


def topic_of(name: str) -> str:
    """What is rung when the lock is given back."""
    return f"lock:{name}"
