"""Files in Cloud Storage: sessions that break are gone on with, and buckets are where they are."""

import os
import re
from pathlib import Path

import pytest
from launchkit_gcp.environment import GcpEnvironment
from launchkit_gcp.storage import PART, SESSIONS

from launchkit.errors import LaunchError, Rejected
from launchkit.plain_text import shortened

from .conftest import Environments
from .fake_google import AGENT, PROJECT, REGION, FakeGoogle
from .fake_storage import GRAIN, FakeStorage

URI = "gs://contexts/deep/er"


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large"
    path.write_bytes(os.urandom(2 * PART + 5))
    return path


@pytest.fixture(autouse=True)
def _bucket(storage: FakeStorage) -> None:
    storage.buckets["contexts"] = (REGION, "region")


def kept(storage: FakeStorage) -> bytes:
    return storage.objects["contexts", "deep/er"]


async def test_a_large_file_goes_in_parts(
    gcp: GcpEnvironment, storage: FakeStorage, large: Path
) -> None:
    await gcp.upload(large, URI)
    assert kept(storage) == large.read_bytes()
    assert [told.split()[1].partition("/")[0] for told in storage.asked] == [
        f"0-{PART - 1}",
        f"{PART}-{2 * PART - 1}",
        f"{2 * PART}-{2 * PART + 4}",
    ]


@pytest.mark.parametrize("fault", ["before", "after"])
@pytest.mark.parametrize("sound", [0, 1, 2])
async def test_a_part_whose_connection_breaks_is_sent_again(
    gcp: GcpEnvironment, storage: FakeStorage, large: Path, sound: int, fault: str
) -> None:
    storage.breaks = [*[""] * sound, fault]
    await gcp.upload(large, URI)
    assert kept(storage) == large.read_bytes()
    assert len(storage.asked) == 4


async def test_an_upload_goes_on_after_what_has_arrived(
    gcp: GcpEnvironment, storage: FakeStorage, large: Path
) -> None:
    storage.takes = 3 * GRAIN
    await gcp.upload(large, URI)
    assert kept(storage) == large.read_bytes()
    assert storage.asked[1].startswith(f"bytes {3 * GRAIN}-")


async def test_a_session_that_is_lost_is_begun_anew(
    gcp: GcpEnvironment, storage: FakeStorage, large: Path
) -> None:
    storage.breaks = ["", "lost"]
    await gcp.upload(large, URI)
    assert kept(storage) == large.read_bytes()
    assert len(storage.asked) == 5


async def test_an_upload_whose_sessions_are_all_lost_fails(
    gcp: GcpEnvironment, storage: FakeStorage, large: Path
) -> None:
    storage.breaks = ["lost"] * SESSIONS
    with pytest.raises(LaunchError, match=r"cannot upload .*large to gs://contexts/deep/er"):
        await gcp.upload(large, URI)
    assert storage.objects == {}


async def test_the_session_of_an_upload_that_fails_is_given_back(
    gcp: GcpEnvironment, storage: FakeStorage, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(file: int, size: int, start: int) -> bytes:
        return b"" if start else b"x" * size

    monkeypatch.setattr("launchkit.aio.upload.os.pread", cut)
    with pytest.raises(LaunchError, match="it became shorter while it was uploaded"):
        await gcp.upload(large, URI)
    assert len(storage.aborted) == 1
    assert storage.sessions == {}


async def test_an_upload_outlives_its_token(
    gcp: GcpEnvironment, storage: FakeStorage, google: FakeGoogle, large: Path
) -> None:
    await gcp.upload(large, URI)
    google.change()
    await gcp.upload(large, f"{URI}2")
    assert storage.objects["contexts", "deep/er2"] == large.read_bytes()
    assert google.given == ["key", "key"]


@pytest.mark.parametrize("size", [1, PART + 1])
async def test_a_bucket_that_is_not_there_is_told(
    gcp: GcpEnvironment, tmp_path: Path, size: int
) -> None:
    (tmp_path / "file").write_bytes(b"x" * size)
    with pytest.raises(Rejected, match="GCS: there is no bucket nowhere") as caught:
        await gcp.upload(tmp_path / "file", "gs://nowhere/file")
    assert caught.value.hint == (
        "make one: gcloud storage buckets create gs://nowhere"
        f" --project={PROJECT} --location={REGION}"
    )


@pytest.mark.parametrize(
    "address",
    ["gs://", "gs://bucket", "gs://bucket/", "gs://Bad_Bucket/x", f"gs://b-b/{'x' * 1025}"],
)
async def test_an_address_that_names_no_file_of_storage_is_told(
    gcp: GcpEnvironment, tmp_path: Path, address: str
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Rejected, match=re.escape(shortened(address, 200))):
        await gcp.upload(tmp_path / "file", address)


async def test_what_a_store_needs_is_asked_and_what_lacks_is_printed(
    gcp: GcpEnvironment, google: FakeGoogle
) -> None:
    google.lacking = {"storage.objects.delete"}
    there, rights = await gcp.check_store("gs://contexts/deep")
    assert (there.level, there.message) == ("ok", "bucket contexts is there")
    assert rights.level == "warning"
    assert rights.message == f"{AGENT} lacks storage.objects.delete on bucket contexts"
    assert rights.hint is not None
    grant, member = rights.hint.partition("\n")[0].removeprefix("grant it: ").split(" --member=")
    assert grant == "gcloud storage buckets add-iam-policy-binding gs://contexts"
    assert member == f"serviceAccount:{AGENT} --role=roles/storage.objectUser"


async def test_a_store_that_may_not_be_looked_at_may_be_written(
    gcp: GcpEnvironment, google: FakeGoogle
) -> None:
    google.lacking = {"storage.buckets.get"}
    (rights,) = await gcp.check_store("gs://contexts/deep")
    assert "lacks storage.buckets.get" in rights.message


@pytest.mark.parametrize(
    ("location", "kind", "told"),
    [
        ("us-central1", "region", "is in us-central1, a region, and the environment in"),
        ("eu", "multi-region", "is in eu, a multi-region, and the environment in"),
        ("eur4", "dual-region", "is in eur4, a dual-region, and the environment in"),
    ],
)
async def test_a_bucket_that_is_elsewhere_is_warned_of(
    gcp: GcpEnvironment, storage: FakeStorage, location: str, kind: str, told: str
) -> None:
    storage.buckets["far"] = (location, kind)
    found, _ = await gcp.check_store("gs://far/x")
    assert (found.level, found.message) == ("warning", f"bucket far {told} {REGION}")
    bucket = await gcp.bucket("far")
    assert bucket is not None
    assert not bucket.is_in(REGION)


async def test_a_store_whose_bucket_is_missing_is_told(gcp: GcpEnvironment) -> None:
    (found,) = await gcp.check_store("gs://nowhere")
    assert (found.level, found.message) == ("error", "GCS: there is no bucket nowhere")


async def test_an_error_of_uploading_names_file_and_place(
    environments: Environments, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    async with environments({"storage": "http://127.0.0.1:1"}) as gcp:
        with pytest.raises(LaunchError, match=r"file to gs://b-b/file: 127\.0\.0\.1:1 cannot be"):
            await gcp.upload(tmp_path / "file", "gs://b-b/file")
