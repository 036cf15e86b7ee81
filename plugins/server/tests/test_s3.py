"""Blobs in an object store that speaks S3's protocol."""

import os
import time
from pathlib import Path

import pytest
from launchkit_server.blobs import blobs_of

from launchkit.errors import NotFound, Unreachable

from .object_store import ObjectStore
from .places import Place


async def test_a_blob_is_an_object_until_it_is_removed(s3: ObjectStore, bucket: str) -> None:
    blobs = blobs_of(f"{bucket}/some/where")
    await blobs.check()
    first, second = await blobs.put(b"one\x00\xff"), await blobs.put(b"")
    assert s3.names(bucket) == sorted(f"some/where/{one[:2]}/{one}" for one in (first, second))
    assert [await blobs.get(one) for one in (first, second)] == [b"one\x00\xff", b""]
    assert sorted(await blobs.older(time.time() + 60)) == sorted([first, second])
    assert await blobs.older(time.time() - 60) == []
    await blobs.remove(first)
    await blobs.remove(first)
    assert await blobs.older(time.time() + 60) == [second]
    with pytest.raises(NotFound, match="gone"):
        await blobs.get(first)


async def test_blobs_of_others_in_the_bucket_are_left_alone(s3: ObjectStore, bucket: str) -> None:
    blobs, others = blobs_of(f"{bucket}/a"), blobs_of(f"{bucket}/ab")
    await others.put(b"x")
    await blobs.put(b"y")
    assert len(await blobs.older(time.time() + 60)) == 1


async def test_a_bucket_that_is_not_there_is_told(s3: ObjectStore, bucket: str) -> None:
    with pytest.raises(Unreachable, match=f"the blobs at {bucket}x"):
        await blobs_of(f"{bucket}x").check()


def test_a_run_gets_its_code_from_the_bucket_and_what_is_needed_stays_there(
    tmp_path: Path, s3: ObjectStore, bucket: str
) -> None:
    place = Place(tmp_path, **s3.env, LAUNCHKIT_SERVER_BLOBS=f"{bucket}/launchkit")
    code = tmp_path / "code"
    code.mkdir()
    (code / "train.py").write_bytes(b"print('from afar')\n#" + os.urandom(4096).hex().encode())
    with place.server():
        place.run("queue", "create", "train", "-r", "local-process")
        with place.process("agent", "-q", "train"):
            place.run("launch", "-u", str(code), "-q", "train", "-E", "python train.py",
                      "--name", "one")  # fmt: skip
            place.run("wait", "one")
        assert len(s3.names(bucket)) == 1
        told = place.run("server", "--data", str(tmp_path / "data"), "gc")
        assert told.startswith("removed: 0 archives, 0 blobs")
        assert "from afar" in place.run("logs", "one")
    assert len(s3.names(bucket)) == 1
