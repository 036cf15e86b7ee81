"""What happened in an entity, newest first, a page of it at a time, for those who look back."""

from collections.abc import Sequence
from dataclasses import dataclass
from inspect import get_annotations
from typing import get_args

from launchkit.model import Event, ItemState
from launchkit.store.database import Row, Tx

LOOKED_THROUGH = 10_000
"""How many events one page looks through, at most, for those that a filter wants."""
NEWEST = 2**62
KINDS: Sequence[str] = get_args(get_annotations(Event)["kind"])


@dataclass(frozen=True, kw_only=True)
class Happening:
    """One thing that happened to a queue, or to a launch in it."""

    id: int
    at: float
    kind: str
    actor: str
    queue: str
    item_id: str | None
    """None: it happened to the queue itself."""
    name: str | None
    """What the launch is called."""
    attempt: int
    state: ItemState | None
    cause: str | None


@dataclass(frozen=True, kw_only=True)
class HappenedPage:
    """A page of them."""

    happenings: tuple[Happening, ...]
    older: int | None
    """Before which event the next page begins; None: there is none."""


@dataclass(frozen=True, kw_only=True)
class Happened:
    """What happened in an entity before event *before*: all, or what a filter wants."""

    entity: str
    kind: str = ""
    actor: str = ""
    queue: str = ""
    before: int = NEWEST
    limit: int = 100

    async def __call__(self, tx: Tx) -> HappenedPage:
        last = (await tx.row("last_event"))["id"]
        top = min(self.before, last + 1)
        floor = max(0, top - LOOKED_THROUGH)
        rows = await tx.all(
            "happened",
            entity=self.entity,
            kind=self.kind,
            actor=self.actor,
            queue=self.queue,
            before=top,
            floor=floor,
            limit=self.limit,
        )
        full = len(rows) == self.limit
        older = rows[-1]["id"] if full else floor
        return HappenedPage(
            happenings=tuple(map(_happening, rows)), older=older if older > 1 else None
        )


@dataclass(frozen=True)
class Audited:
    """One change of accounts, roles and tokens."""

    id: int
    at: float
    actor: str
    what: str


@dataclass(frozen=True, kw_only=True)
class Audit:
    """Who changed accounts, roles, tokens, webhooks, agents before entry *before*; newest first."""

    before: int = NEWEST
    limit: int = 100

    async def __call__(self, tx: Tx) -> Sequence[Audited]:
        rows = await tx.all("audit_before", before=self.before, limit=self.limit)
        return [Audited(row["id"], row["at"], row["actor"], row["what"]) for row in rows]


def _happening(row: Row) -> Happening:
    return Happening(
        id=row["id"],
        at=row["at"],
        kind=row["kind"],
        actor=row["actor"],
        queue=row["queue"],
        item_id=row["item_id"],
        name=row["name"] or row["run_id"],
        attempt=row["attempt"],
        state=ItemState(row["state"]) if row["state"] else None,
        cause=row["cause"],
    )
