"""Code that is sent in pieces, while others write pieces of it, too."""

from dataclasses import replace

import pytest
from store.meanwhile import STATEMENTS, meanwhile

from launchkit.store import archives
from launchkit.store.opening import database_of

DIGEST = "a" * 64
UPLOAD = f"{DIGEST} ann"
PIECE = archives.Piece(number=0, size=4, checksum=None, place=None)
SEAL = archives.Seal(DIGEST, "ann", [PIECE])
OTHER = archives.AddPiece(DIGEST, UPLOAD, replace(PIECE, size=5), b"other")


@pytest.mark.parametrize("after", STATEMENTS)
@pytest.mark.parametrize("first", [OTHER, SEAL], ids=["who writes", "who says that it is known"])
async def test_what_is_known_is_what_was_looked_at_whoever_writes_meanwhile(
    postgres_url: str, first: archives.AddPiece | archives.Seal, after: int
) -> None:
    database = database_of(postgres_url)
    async with database.opened():
        await database.write(archives.AddPiece(DIGEST, UPLOAD, PIECE, b"code"))
        second = SEAL if first is OTHER else OTHER
        await meanwhile(database, postgres_url, first, after, second)
        is_known = (await database.read(archives.Look(DIGEST, "ann"))).known
        data, _ = await database.read(archives.GetPiece(UPLOAD, 0))
        assert (is_known, data) in [(True, b"code"), (False, b"other")]
