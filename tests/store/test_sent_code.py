"""Code that is sent in pieces, while others write pieces of it, too."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import anyio

from launchkit.store import archives
from launchkit.store.database import Database, Row, Tx
from launchkit.store.hub import database_of

DIGEST = "a" * 64


class Paused(NamedTuple):
    """A transaction that has looked, and writes when another one has had the time to write."""

    tx: Tx
    looked: anyio.Event
    other: anyio.Event

    async def one(self, statement: str, /, **values: object) -> Row | None:
        found = await self.tx.one(statement, **values)
        self.looked.set()
        with anyio.move_on_after(0.5):
            await self.other.wait()
        return found

    async def all(self, statement: str, /, **values: object) -> Sequence[Row]:
        return await self.tx.all(statement, **values)


async def test_what_is_known_is_what_was_looked_at_whoever_writes_meanwhile(
    postgres_url: str,
) -> None:
    database = database_of(postgres_url)
    async with database.opened():
        await _written_while_it_is_looked_at(database)


async def _written_while_it_is_looked_at(database: Database) -> None:
    piece = archives.Piece(number=0, size=4, checksum=None, place=None)
    upload = f"{DIGEST} ann"
    await database.write(archives.AddPiece(DIGEST, upload, piece, b"code"))
    looked, sealed = anyio.Event(), anyio.Event()

    async def write_slowly(tx: Tx) -> None:
        add = archives.AddPiece(DIGEST, upload, replace(piece, size=5), b"other")
        await add(Paused(tx, looked, sealed))  # type: ignore[arg-type]

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(database.write, write_slowly)
        await looked.wait()
        is_known = await database.write(archives.Seal(DIGEST, "ann", [piece]))
        sealed.set()
    data, _ = await database.read(archives.GetPiece(upload, 0))
    assert (is_known, data) in [(True, b"code"), (False, b"other")]
