"""What agents hold, since when, and until when without a further sign of life."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from launchkit.model import ItemState
from launchkit.store.database import Tx


@dataclass(frozen=True, kw_only=True)
class Lease:
    """A launch that an agent holds."""

    item_id: str
    name: str
    """What the launch is called."""
    state: ItemState
    agent: str
    since: float | None
    """When this agent claimed it or took it over; None if that is not in the record."""
    until: float
    """When another may take it over, unless its agent gives a sign of life before."""
    lapsed: bool
    """Whether that time has come."""


class Leases(NamedTuple):
    """The leases of an entity, by agent, those of its oldest launches first."""

    entity: str
    limit: int

    async def __call__(self, tx: Tx) -> Sequence[Lease]:
        rows = await tx.all("leases", entity=self.entity, limit=self.limit)
        return [
            Lease(
                item_id=row["id"],
                name=row["name"] or row["run_id"],
                state=ItemState(row["state"]),
                agent=row["agent"],
                since=row["since"],
                until=row["lease_until"],
                lapsed=row["lease_until"] <= tx.now,
            )
            for row in rows
        ]
