"""Marks that tell whether a transaction took place whose commit was not answered.

One that has written counts itself in the row of its connection, which is committed with it. The
number that the server gives it would tell nothing: after a crash it may be given to another one.
"""

from typing import NamedTuple
from uuid import UUID

from launchkit.store.database import Tx

KEPT_SECONDS = 7 * 86400.0
"""How long the row of a connection that writes no more is kept: nobody looks for it that late."""


class CommitMark(NamedTuple):
    """What one transaction has left."""

    writer: UUID
    number: int


async def leave(tx: Tx, writer: UUID) -> CommitMark | None:
    """Leave a mark, as the last thing that a connection does in a transaction; None if that has
    written nothing. The first one of a connection sweeps the rows of those that are gone.
    """
    row = await tx.one("leave_mark", writer=writer)
    if row is None:
        return None
    if row["number"] == 1:
        await tx.all("drop_old_marks", before=tx.now - KEPT_SECONDS)
    return CommitMark(writer, row["number"])


async def was_left(tx: Tx, mark: CommitMark) -> bool:
    """Whether the transaction took place, once it is over. *tx* is to be rolled back: it asks by
    what it writes.
    """
    row = await tx.row("last_mark", writer=mark.writer)
    return bool(row["number"] == mark.number)
