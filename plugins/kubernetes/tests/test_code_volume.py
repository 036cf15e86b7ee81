"""Code in a volume that the agent has mounted."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from launchkit_kubernetes.cluster.errors import ClusterAway
from launchkit_kubernetes.manifest.build import ATTEMPT, RUN
from launchkit_kubernetes.manifest.code import code_folder
from launchkit_kubernetes.manifest.names import Ref
from launchkit_kubernetes.runs.code_volume import OLD_SECONDS, CodeVolume

from launchkit.code.remove_tree import remove_tree
from launchkit.errors import LaunchError

LABELS = {RUN: "r1", ATTEMPT: "1"}


def ref(name: str) -> Ref:
    return Ref("batch/v1", "Job", "ml", name)


@pytest.fixture
def volume(tmp_path: Path) -> CodeVolume:
    (tmp_path / "volume").mkdir()
    return CodeVolume(tmp_path / "volume")


@pytest.fixture
def code(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "train.sh").touch(mode=0o755)
    return tmp_path / "code"


async def put(volume: CodeVolume, name: str, code: Path) -> Path:
    folder = code_folder(ref(name), LABELS)
    await volume.put(folder, ref(name), code)
    return volume.folder / folder


def age(folder: Path) -> None:
    """Let it be as old as what may be left over."""
    told = folder.with_suffix(".ref")
    then = told.stat().st_mtime - OLD_SECONDS - 1
    os.utime(told, (then, then))


async def test_what_is_copied_is_whole_and_anybody_may_write_beside_it(
    volume: CodeVolume, code: Path
) -> None:
    folder = await put(volume, "a", code)
    assert os.access(folder / "train.sh", os.X_OK)
    assert folder.stat().st_mode & 0o777 == 0o777
    (folder / "made").touch()
    assert await put(volume, "a", code) == folder
    assert (folder / "made").exists()


async def test_code_that_is_nested_deep_is_copied_and_removed(
    volume: CodeVolume, code: Path
) -> None:
    deep = Path(*["d"] * 900)
    for half in (code.joinpath(*["d"] * 450), code / deep):
        half.mkdir(parents=True)
    folder = await put(volume, "a", code)
    assert (folder / deep).stat().st_mode & 0o777 == 0o755
    for root in (folder, code):
        remove_tree(root)


@pytest.mark.parametrize("umask", [0o000, 0o077])
async def test_a_run_may_read_its_code_and_write_beside_it_whatever_the_umask_is(
    volume: CodeVolume, code: Path, umask: int
) -> None:
    before = os.umask(umask)
    try:
        (code / "package").mkdir()
        (code / "package" / "module.py").touch()
        (code / "link").symlink_to("/nowhere")
        folder = await put(volume, "a", code)
    finally:
        os.umask(before)
    modes = {path.name: f"{stat.S_IMODE(path.stat().st_mode):o}" for path in folder.rglob("[mpt]*")}
    assert modes == {"train.sh": "755", "package": "755", "module.py": "644"}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o777
    assert (folder / "link").is_symlink()


@pytest.mark.parametrize("what", ["link", "file", "directory"])
async def test_what_others_have_put_in_the_place_of_the_code_of_a_run_is_not_taken_for_it(
    volume: CodeVolume, code: Path, tmp_path: Path, what: str
) -> None:
    place = volume.folder / code_folder(ref("a"), LABELS)
    match what:
        case "link":
            place.symlink_to(tmp_path)
        case "file":
            place.touch()
        case "directory":
            place.mkdir(mode=0o777)
            try:
                os.chown(place, 65534, 65534)
            except PermissionError:
                pytest.skip("this user makes nothing for another")
    with pytest.raises(LaunchError, match="no directory that this agent's user has made"):
        await put(volume, "a", code)


async def test_a_volume_that_is_not_mounted_is_told_with_its_setting(
    tmp_path: Path, code: Path
) -> None:
    with pytest.raises(LaunchError, match="cannot copy the code to") as caught:
        await put(CodeVolume(tmp_path / "none"), "a", code)
    assert "code_pvc_mount_path" in (caught.value.hint or "")


async def test_what_a_killed_agent_has_left_is_removed_when_its_run_is_gone(
    volume: CodeVolume, code: Path
) -> None:
    names = ("gone", "there", "another-run", "unknown", "young")
    folders = {name: await put(volume, name, code) for name in names}
    for name in names[:-1]:
        age(folders[name])

    async def find(at: Ref) -> Mapping[str, Any] | None:
        if at.name == "unknown":
            raise ClusterAway("no answer")
        found = {"there": LABELS, "another-run": {**LABELS, RUN: "r2"}}.get(at.name)
        return {"metadata": {"labels": found}} if found else None

    await volume.sweep(find)
    assert {name for name in names if folders[name].exists()} == {"there", "unknown", "young"}


async def test_nothing_is_written_or_read_where_a_link_in_a_volume_leads(
    volume: CodeVolume, code: Path, tmp_path: Path
) -> None:
    others = tmp_path / "settings"
    others.write_text("mine")
    told = (volume.folder / code_folder(ref("a"), LABELS)).with_suffix(".ref")
    told.symlink_to(others)
    folder = await put(volume, "a", code)
    assert others.read_text() == "mine"
    assert told.read_text() == str(ref("a"))
    told.unlink()
    told.symlink_to(others)
    other = volume.folder / "launchkit-code-x.ref"
    os.mkfifo(other)
    for path in (told, other):
        then = path.lstat().st_mtime - OLD_SECONDS - 1
        os.utime(path, (then, then), follow_symlinks=False)

    async def find(at: Ref) -> None:
        pytest.fail(str(at))

    await volume.sweep(find)
    await volume.remove(folder.name)
    assert others.read_text() == "mine"
    assert not told.is_symlink()


async def test_nobody_else_reads_whose_code_it_is_whatever_the_umask_is(
    volume: CodeVolume, code: Path
) -> None:
    before = os.umask(0)
    try:
        folder = await put(volume, "a", code)
    finally:
        os.umask(before)
    assert folder.with_suffix(".ref").stat().st_mode & 0o777 == 0o600
