"""The ways of a build context to the executor, and what is left of it."""

import os
import tarfile
import time
from io import BytesIO
from pathlib import Path

import pytest
from launchkit_kubernetes.builder import KanikoBuilder
from launchkit_kubernetes.kaniko.context import (
    Archive,
    InSecrets,
    InStore,
    InVolume,
    packed_context,
)

from launchkit.builtin.local import LocalEnvironment
from launchkit.errors import BuildError, ConfigError
from launchkit.images.context import BuildPlan, list_context
from launchkit.testing import site_at, started


@pytest.fixture
def plan(tmp_path: Path) -> BuildPlan:
    code = tmp_path / "code"
    code.mkdir()
    (code / "train.py").write_text("print()")
    return BuildPlan(
        context=code,
        entries=list_context(code, None),
        dockerfile="FROM scratch\n",
        dockerfile_name="Dockerfile",
        base_images=(),
        generated=True,
    )


async def test_a_context_is_packed_alike_each_time_and_removed(
    plan: BuildPlan, tmp_path: Path
) -> None:
    folder = tmp_path / "cache"
    async with packed_context(plan, folder) as first, packed_context(plan, folder) as second:
        assert first.digest == second.digest
        pieces = await first.pieces()
        with tarfile.open(fileobj=BytesIO(b"".join(pieces))) as tar:
            assert tar.getnames() == ["Dockerfile", "src/train.py"]
    assert not [*folder.iterdir()]


async def test_what_is_too_large_for_secrets_is_told_with_what_to_do(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "none", "d", 12_000_000)
    with pytest.raises(BuildError, match="12 MB packed, and 11 MB are the most") as caught:
        InSecrets().place(archive)
    assert "build-context-store or pvc-name" in (caught.value.hint or "")


@pytest.mark.parametrize("kind", ["store", "volume"])
async def test_a_context_is_delivered_where_its_address_says_and_removed_by_that(
    plan: BuildPlan, tmp_path: Path, kind: str
) -> None:
    folder = tmp_path / kind
    folder.mkdir()
    (folder / "other").touch()
    store = InStore(f"file://{folder}/", LocalEnvironment())
    way = store if kind == "store" else InVolume("claim", folder)
    async with packed_context(plan, tmp_path) as archive:
        address = way.place(archive).address
        await way.deliver(archive)
        assert address.endswith(f"/{archive.name}")
        assert (folder / archive.name).read_bytes() == archive.path.read_bytes()
        foreign = address.removesuffix(archive.name)
        for one in ("", "other", f"{foreign}other", f"{foreign}../other", f"{foreign}\0"):
            await way.remove(one)
        assert {path.name for path in folder.iterdir()} == {"other", archive.name}
        for _ in range(2):
            await way.remove(address)
    assert {path.name for path in folder.iterdir()} == {"other"}


async def test_a_build_is_given_no_context_of_another_from_a_volume(
    plan: BuildPlan, tmp_path: Path
) -> None:
    async with packed_context(plan, tmp_path) as archive:
        place = InVolume("claim", tmp_path).place(archive)
    (mount,) = place.mounts
    assert mount["subPath"] == archive.name
    assert place.address == f"tar://{mount['mountPath']}"


async def test_contexts_of_other_images_have_other_names(plan: BuildPlan, tmp_path: Path) -> None:
    first = packed_context(plan, tmp_path, "r/a:1")
    async with first as one, packed_context(plan, tmp_path, "r/b:1") as other:
        assert one.digest == other.digest
        assert one.name != other.name


async def test_old_contexts_in_a_volume_are_swept(tmp_path: Path) -> None:
    names = ("launchkit-context-old.tar.gz", "launchkit-context-new.tar.gz", "other")
    for name in names:
        (tmp_path / name).touch()
    long_ago = time.time() - 100_000
    for name in (names[0], names[2]):
        os.utime(tmp_path / name, (long_ago, long_ago))
    await InVolume("claim", tmp_path).sweep()
    assert {path.name for path in tmp_path.iterdir()} == {*names[1:]}


async def test_a_context_is_written_through_no_link_and_by_nobody_else_whatever_the_umask_is(
    plan: BuildPlan, tmp_path: Path
) -> None:
    volume, others = tmp_path / "volume", tmp_path / "settings"
    volume.mkdir()
    others.write_text("mine")
    way = InVolume("claim", volume)
    before = os.umask(0)
    try:
        async with packed_context(plan, tmp_path) as archive:
            for name in (archive.name, f"{archive.name}.part"):
                (volume / name).symlink_to(others)
            await way.deliver(archive)
    finally:
        os.umask(before)
    delivered = volume / archive.name
    assert not delivered.is_symlink()
    assert delivered.stat().st_mode & 0o777 == 0o644
    assert others.read_text() == "mine"


async def test_a_volume_that_is_not_mounted_is_told(plan: BuildPlan, tmp_path: Path) -> None:
    way = InVolume("claim", tmp_path / "nowhere")
    with pytest.raises(BuildError, match="cannot copy the build context") as caught:
        async with packed_context(plan, tmp_path) as archive:
            await way.deliver(archive)
    assert "pvc-mount-path" in (caught.value.hint or "")


async def test_a_store_needs_an_environment_that_can_write_there(tmp_path: Path) -> None:
    builder = KanikoBuilder(build_context_store="s3://bucket/contexts")
    async with site_at(tmp_path, environment=LocalEnvironment()) as site:
        with pytest.raises(ConfigError, match="no environment that can write there"):
            async with started(builder, site):
                pass
