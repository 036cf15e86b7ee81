"""Packed code: checked, resumed, kept among blobs, and collected when nobody needs it."""

import random
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TypeVar

import anyio
import pytest
from launchkit_server.archives import AMONG_THE_BLOBS, IN_THE_DATABASE, Archives
from launchkit_server.blobs import Blobs, FolderBlobs, blobs_of
from launchkit_server.collecting import Collected, collect
from launchkit_server.problems import Refusal
from launchkit_server.rights import OwnDatabase, Right

from launchkit.abc import LaunchRequest
from launchkit.code.unpack import DamagedArchive
from launchkit.errors import ConfigError, Conflict, Forbidden, NotFound, QueueError, Unreachable
from launchkit.model import ArchiveSource, LaunchSpec, QueueSpec, Recipe
from launchkit.model.people import Permission, Principal, PrincipalKind, Role
from launchkit.store import archives, jobs, queues
from launchkit.store.database import Body, Database
from launchkit.store.hub import StoreLaunches, database_of
from launchkit.store.people import AddAccount, GrantRole
from launchkit.store.tokens import CreateToken, Proofs
from launchkit.testing import VirtualClock
from launchkit.testing.contracts.service import packed, pieces_of
from launchkit.wire.user_side import ArchiveKnown

DIGEST, CODE = packed(random.Random(0).randbytes(2 * IN_THE_DATABASE + 1000))
DAY = 86400.0
T = TypeVar("T")
ANN, BOB = "ann", "bob"


@pytest.fixture(params=["database", "folder", "memory", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs | None:
    if request.param == "database":
        return None
    if request.param == "s3":
        return blobs_of(f"{request.getfixturevalue('bucket')}/launchkit")
    return blobs_of(
        str(tmp_path / "blobs") if request.param == "folder" else f"memory://{tmp_path}"
    )


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = database_of(database_url)
    async with database.opened():
        yield database


@pytest.fixture
def stored(database: Database, blobs: Blobs | None) -> Archives:
    return Archives(database, blobs)


async def read(stored: Archives, digest: str = DIGEST) -> bytes:
    return b"".join([piece async for piece in await stored.get(digest)])


async def test_code_comes_back_as_it_was(stored: Archives) -> None:
    with pytest.raises(NotFound):
        await read(stored)
    await stored.put(DIGEST, ANN, 0, pieces_of([CODE[:100], CODE[100:]]))
    assert await read(stored) == CODE
    assert (await stored.known(DIGEST, ANN)).known


@pytest.mark.parametrize(
    "wrong",
    [b"nonsense", CODE[:-10], CODE + b"x", packed(b"other")[1], b""],
    ids=["nonsense", "short", "long", "other", "empty"],
)
async def test_what_is_not_what_its_digest_says_is_not_kept(stored: Archives, wrong: bytes) -> None:
    with pytest.raises(DamagedArchive):
        await stored.put(DIGEST, ANN, 0, pieces_of([wrong]))
    known = await stored.known(DIGEST, ANN)
    assert (known.known, known.size) == (False, 0)
    await stored.put(DIGEST, ANN, 0, pieces_of([CODE]))
    assert await read(stored) == CODE


async def test_an_upload_goes_on_where_it_was_cut_off(database: Database) -> None:
    stored = Archives(database, None)
    with pytest.raises(ConnectionError):
        await stored.put(DIGEST, ANN, 0, pieces_of([CODE[:-500]], broken=True))
    size = (await stored.known(DIGEST, ANN)).size
    assert size == 2 * IN_THE_DATABASE
    with pytest.raises(Conflict, match=str(size)):
        await stored.put(DIGEST, ANN, 5, pieces_of([CODE[5:]]))
    await stored.put(DIGEST, ANN, size, pieces_of([CODE[size:]]))
    assert await read(stored) == CODE


async def test_an_upload_that_goes_on_is_no_longer_than_one_that_comes_at_once(
    stored: Archives,
) -> None:
    at_most = replace(stored, most=len(CODE) - 1)
    for offset in (0, await _begun(at_most)):
        with pytest.raises(Refusal, match=f"at most {at_most.most} bytes"):
            await at_most.put(DIGEST, ANN, offset, pieces_of([CODE[offset:]]))
        known = await at_most.known(DIGEST, ANN)
        assert not known.known
        assert known.size <= at_most.most
    just = replace(stored, most=len(CODE))
    offset = (await just.known(DIGEST, ANN)).size
    await just.put(DIGEST, ANN, offset, pieces_of([CODE[offset:]]))
    assert await read(just) == CODE


async def _begun(stored: Archives) -> int:
    """How much is there of an upload that was cut off."""
    with pytest.raises(ConnectionError):
        await stored.put(DIGEST, ANN, 0, pieces_of([CODE[:-500]], broken=True))
    return (await stored.known(DIGEST, ANN)).size


@pytest.mark.parametrize("other", [ANN, BOB], ids=["the same one", "another"])
async def test_two_may_send_it_at_a_time(stored: Archives, other: str) -> None:
    async with anyio.create_task_group() as tasks:
        for one in (ANN, other):
            tasks.start_soon(stored.put, DIGEST, one, 0, pieces_of([CODE]))
    assert await read(stored) == CODE


@pytest.mark.parametrize("wrong", [b"", b"nonsense", packed(b"other")[1]])
@pytest.mark.parametrize("goes_on", [False, True])
async def test_nobody_who_knows_the_digest_throws_away_what_another_has_sent(
    stored: Archives, wrong: bytes, goes_on: bool
) -> None:
    size = await _begun(stored)
    with pytest.raises(DamagedArchive if not size or not goes_on else Conflict):
        await stored.put(DIGEST, BOB, size if goes_on else 0, pieces_of([wrong]))
    assert await stored.known(DIGEST, ANN) == ArchiveKnown(known=False, size=size)
    await stored.put(DIGEST, ANN, size, pieces_of([CODE[size:]]))
    assert await read(stored) == CODE


async def test_what_two_have_begun_is_kept_once(database: Database) -> None:
    stored = Archives(database, None)
    await _begun(stored)
    await stored.put(DIGEST, BOB, 0, pieces_of([CODE]))
    assert await stored.known(DIGEST, ANN) == await stored.known(DIGEST, BOB)
    await stored.put(DIGEST, ANN, 0, pieces_of([CODE]))
    assert await read(stored) == CODE


class Beside(NamedTuple):
    """Where another request of the same one writes once all of this one is there."""

    database: Database

    async def read(self, body: Body[T]) -> T:
        return await self.database.read(body)

    async def write(self, body: Body[T]) -> T:
        done = await self.database.write(body)
        if isinstance(body, archives.Forget) and body.number:
            beyond = archives.Piece(number=body.number, size=1, checksum=None, place=None)
            await self.database.write(archives.AddPiece(DIGEST, body.upload, beyond, b"x"))
        return done


async def test_what_one_sends_many_times_at_once_is_no_longer_than_it_may_be(
    database: Database,
) -> None:
    stored = Archives(Beside(database), None, most=len(CODE))  # type: ignore[arg-type]
    with pytest.raises(Refusal, match=f"at most {len(CODE)} bytes"):
        await stored.put(DIGEST, ANN, 0, pieces_of([CODE]))
    assert await stored.known(DIGEST, ANN) == ArchiveKnown(known=False, size=0)


class Losing(OwnDatabase):
    """Where the right is lost as soon as what is stored is looked at."""

    async def read(self, body: Body[T], *, prompt: bool = False) -> T:
        if isinstance(body, archives.GetPiece):
            await self._database.write(GrantRole("ann", "e", Role.VIEWER, "test"))
        return await super().read(body, prompt=prompt)


async def test_code_whose_sender_loses_the_right_while_it_is_looked_at_is_not_known(
    stored: Archives,
) -> None:
    await stored.database.write(AddAccount("ann", PrincipalKind.USER, "test"))
    await stored.database.write(GrantRole("ann", "e", Role.SUBMITTER, "test"))
    made = await stored.database.write(CreateToken("ann", "test"))
    proved = await Proofs(stored.database).prove(made.secret)
    assert isinstance(proved, Principal)
    right = Right(token=made.secret, principal=proved, permission=Permission.SUBMIT, entity="e")
    with pytest.raises(Forbidden, match="ann has the role viewer in e"):
        await replace(stored, database=Losing(stored.database, right)).put(
            DIGEST, ANN, 0, pieces_of([CODE])
        )
    assert not (await stored.known(DIGEST, ANN)).known


async def test_one_that_starts_anew_leaves_nothing_of_what_was_there(database: Database) -> None:
    stored = Archives(database, None)
    with pytest.raises(ConnectionError):
        await stored.put(DIGEST, ANN, 0, pieces_of([CODE], broken=True))
    await stored.put(DIGEST, ANN, 0, pieces_of([CODE]))
    assert await read(stored) == CODE


async def test_code_among_blobs_is_in_no_row(database: Database, tmp_path: Path) -> None:
    stored = Archives(database, FolderBlobs(tmp_path / "blobs"))
    await stored.put(DIGEST, ANN, 0, pieces_of([CODE]))
    files = [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) == len(CODE) < AMONG_THE_BLOBS
    with pytest.raises(QueueError, match="kept by the queue service"):
        await database.read(jobs.GetChunk(DIGEST, 0))
    with pytest.raises(Unreachable, match="this service has none"):
        await read(Archives(database, None))
    files[0].write_bytes(b"damaged")
    with pytest.raises(Unreachable, match="damaged"):
        await read(stored)
    files[0].unlink()
    with pytest.raises(NotFound, match="gone"):
        await read(stored)


def recipe(digest: str) -> Recipe:
    return Recipe(source=ArchiveSource(digest=digest, size=1, name="code"), entry_point=("x",))


async def launch(database: Database, digest: str) -> None:
    await database.write(queues.Create("e", QueueSpec(name="q", resource="local-process"), "ann"))
    request = LaunchRequest(spec=LaunchSpec(recipe=recipe(digest)), actor="ann")
    await StoreLaunches(database, "e").launch("q", request)


async def make_job(database: Database, digest: str) -> None:
    await database.write(jobs.Create("e", "j", recipe(digest), "ann", []))


@pytest.mark.parametrize("refer", [launch, make_job])
async def test_what_is_referred_to_is_never_collected(
    stored: Archives, blobs: Blobs | None, refer: Callable[..., object]
) -> None:
    other, code = packed(b"other")
    await stored.put(DIGEST, ANN, 0, pieces_of([CODE]))
    await stored.put(other, ANN, 0, pieces_of([code]))
    await refer(stored.database, DIGEST)  # type: ignore[misc]
    assert await collect(stored.database, blobs, DAY) == Collected(0, 0, 0)
    done = await collect(stored.database, blobs, -DAY)
    assert done == Collected(1, 0 if blobs is None else 1)
    assert await read(stored) == CODE
    assert not (await stored.known(other, ANN)).known


async def test_one_who_finds_it_known_has_time_to_refer_to_it(
    database_url: str, blobs: Blobs | None
) -> None:
    clock = VirtualClock()
    clock.advance(time.time() - clock() - 2 * DAY)
    database = database_of(database_url, clock)
    async with database.opened():
        stored = Archives(database, blobs)
        await stored.put(DIGEST, ANN, 0, pieces_of([CODE]))
        clock.advance(2 * DAY)
        assert (await stored.known(DIGEST, ANN)).known
        assert await collect(database, blobs, DAY) == Collected(0, 0, 0)
        assert await read(stored) == CODE


async def test_an_upload_while_the_old_copy_is_collected_is_whole(
    database: Database, blobs: Blobs | None
) -> None:
    """Between the look at the references and the removal of the blobs somebody sends it anew."""
    stored = Archives(database, blobs)
    await stored.put(DIGEST, ANN, 0, pieces_of([CODE]))
    dropped = await database.write(archives.Collect(time.time() + DAY))
    await stored.put(DIGEST, ANN, 0, pieces_of([CODE]))
    for place in dropped.places:
        assert blobs is not None
        await blobs.remove(place)
    assert await read(stored) == CODE


async def test_half_uploads_and_blobs_without_a_row_are_collected(
    database: Database, blobs: Blobs | None
) -> None:
    stored = Archives(database, blobs)
    await stored.put(DIGEST, ANN, 0, pieces_of([CODE]))
    await launch(database, DIGEST)
    other, code = packed(b"other")
    await database.write(
        archives.AddPiece(other, f"{other} ann", archives.Piece(0, 3, None, None), code[:3])
    )
    if blobs is not None:
        await blobs.put(b"left behind by a service that died")
    await collect(database, blobs, -DAY)
    assert (await stored.known(other, ANN)).size == 0
    assert await read(stored) == CODE
    assert blobs is None or len(await blobs.older(time.time() + DAY)) == 1


async def test_half_a_blob_of_a_service_that_died_is_collected(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    (tmp_path / "ab").mkdir()
    (tmp_path / "ab" / "abc.part").write_bytes(b"half")
    assert await blobs.older(time.time() + DAY) == []
    assert not (tmp_path / "ab" / "abc.part").exists()


@pytest.mark.parametrize("url", ["nonsense://x", "s3+nothing://x"])
def test_a_place_that_nothing_knows_is_told(url: str) -> None:
    with pytest.raises(ConfigError, match="--blobs"):
        blobs_of(url)


async def test_a_place_that_cannot_be_written_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unreachable, match="the blobs at"):
        await blobs_of(str(tmp_path / "file" / "blobs")).check()


@pytest.mark.parametrize(
    "url",
    [
        "s3://AKIA:hu/sh@b/x",
        "ftp://u:hush@127.0.0.1:1/x",
        "simplecache::s3://a:hush@b",
        "s3://b?token=hush",
    ],
)
def test_a_place_with_a_login_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigError, match=r"--blobs: .*has a login in it") as told:
        blobs_of(url)
    assert "sh@" not in str(told.value)
    assert "hush" not in str(told.value)
    assert blobs_of("memory://container@account/x").place.startswith("memory://")


def test_a_place_that_does_not_answer_is_told_at_the_start() -> None:
    with pytest.raises(Unreachable, match=r"the blobs at ftp://127\.0\.0\.1:1/x"):
        blobs_of("ftp://127.0.0.1:1/x")
