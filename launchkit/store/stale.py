"""Writes that come too late: of one whose launch has ended, or is held by another."""

from typing import TYPE_CHECKING

from launchkit.errors import LeaseLost
from launchkit.model import ItemState
from launchkit.store.database import Row

if TYPE_CHECKING:
    from launchkit.model import Claim


def lost(claim: "Claim", row: Row | None) -> LeaseLost:
    """The error for a write with a stale token; *row* is the item as it is, if there is one."""
    return lost_item(claim.item.id, row)


def lost_item(item_id: str, row: Row | None) -> LeaseLost:
    """The same, where the item is known by its id alone."""
    ended = row is not None and ItemState(row["state"]).ended
    why = "has ended" if ended else "is held by another agent by now"
    return LeaseLost(f"launch {item_id} {why}", ended=ended)
