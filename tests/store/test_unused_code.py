"""Code that nothing refers to is removed, whatever launches and jobs hold."""

from dataclasses import replace

from store.conftest import Store, spec

from launchkit.abc import LaunchRequest
from launchkit.model import ArchiveSource, Overrides, Recipe
from launchkit.store import archives, jobs, submitting

ODD = {"text": "a\0\0b\\u0000\\\0", "\0": [1e308, 10**99, -0.0, ["\x1b", "\U0010ffff"]]}


async def sent(store: Store, digest: str) -> str:
    piece = archives.Piece(number=0, size=4, checksum=None, place=None)
    upload = f"{digest} ann"
    await store.write(archives.AddPiece(digest, upload, piece, b"code"))
    assert await store.write(archives.Seal(digest, "ann", [piece]))
    return digest


async def test_nothing_odd_in_launches_and_jobs_keeps_unused_code_or_removes_what_is_used(
    store: Store,
) -> None:
    await store.queue()
    unused, launched, of_job = [await sent(store, letter * 64) for letter in "abc"]
    code = ArchiveSource(digest=launched, size=4, name="code")
    odd = replace(spec(), recipe=Recipe(source=code, config=ODD), overrides=Overrides(config=ODD))
    await store.write(submitting.Launch("e", "q", LaunchRequest(spec=odd, actor="ann")))
    recipe = Recipe(source=replace(code, digest=of_job), config=ODD)
    await store.write(jobs.Create("e", "job", recipe, "ann", ()))
    dropped = await store.write(archives.Collect(store.clock.now + 1))
    assert dropped.archives == 1
    assert not (await store.database.read(archives.Look(unused, "ann"))).known
    for digest in (launched, of_job):
        assert (await store.database.read(archives.Look(digest, "ann"))).known
