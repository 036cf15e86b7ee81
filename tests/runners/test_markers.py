"""Marks survive, and no path is made of a name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchkit.errors import LaunchError
from launchkit.runners.markers import Markers
from launchkit.testing import VirtualClock

HOUR = 3600.0


@pytest.fixture
def markers(tmp_path: Path) -> Markers:
    return Markers(tmp_path / "state" / "marks")


async def test_a_mark_is_there_until_it_is_cleared(markers: Markers) -> None:
    assert not await markers.has("run-1", "over")
    for _ in range(2):
        await markers.set("run-1", "over")
    assert await markers.has("run-1", "over")
    assert not await markers.has("run-1", "cancelled")
    for _ in range(2):
        await markers.clear("run-1", "over")
    assert not await markers.has("run-1", "over")


async def test_the_next_agent_finds_the_mark_and_what_stands_beside_it(markers: Markers) -> None:
    await markers.set("run-1", "cancelled", b"until 12")
    await markers.set("run-1", "cancelled", b"until 13")
    assert await Markers(markers.folder).note("run-1", "cancelled") == b"until 13"


async def test_nothing_is_cleared_or_forgotten_where_nothing_was_ever_set(markers: Markers) -> None:
    await markers.clear("run-1", "over")
    await markers.prune(0)
    assert not markers.folder.exists()


@given(st.text(), st.sampled_from(["over", "cancelled"]))
def test_each_file_stands_in_the_folder_whatever_a_run_is_called(name: str, mark: str) -> None:
    path = Markers(Path("/marks"))._path(name, mark)
    assert path.parent == Path(os.path.normpath(path)).parent == Path("/marks")
    assert len(os.fsencode(path.name)) <= 255


@pytest.mark.parametrize("name", ["", ".", "..", "../../etc", "a/b", "a\0b", "x" * 5000, "\udc80"])
async def test_a_strange_name_is_as_good_as_any(name: str, markers: Markers) -> None:
    await markers.set(name, "over")
    assert await markers.has(name, "over")
    assert not await markers.has(f"{name}.", "over")
    assert len([*markers.folder.iterdir()]) == 1


async def test_names_and_marks_are_not_mixed_up(markers: Markers) -> None:
    await markers.set("a.over", "cancelled")
    assert not await markers.has("a", "over")


@pytest.mark.parametrize("mark", ["", "../x", "a/b", "a.b", "OVER", "x" * 33])
async def test_a_mark_is_a_word(mark: str, markers: Markers) -> None:
    with pytest.raises(ValueError, match="is no mark"):
        await markers.set("run-1", mark)


async def test_a_note_is_small(markers: Markers) -> None:
    with pytest.raises(ValueError, match="5000 bytes"):
        await markers.set("run-1", "over", b"x" * 5000)


async def test_old_marks_are_forgotten_and_new_ones_are_not(markers: Markers) -> None:
    clock = VirtualClock(2_000_000.0)
    markers = Markers(markers.folder, clock)
    for name, age in (("old", 25 * HOUR), ("new", 23 * HOUR)):
        await markers.set(name, "over")
        os.utime(markers.folder / f"{name}.over", (clock.now - age, clock.now - age))
    await markers.prune(older_than=24 * HOUR)
    assert not await markers.has("old", "over")
    assert await markers.has("new", "over")


async def test_a_folder_that_cannot_be_used_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    markers = Markers(tmp_path / "file" / "marks")
    with pytest.raises(LaunchError, match=r"file/marks.*Not a directory") as caught:
        await markers.set("run-1", "over")
    assert "disk full" in str(caught.value.hint)


async def test_a_full_disk_leaves_no_half_mark(markers: Markers) -> None:
    program = """
import anyio, resource, signal, sys
from pathlib import Path
from launchkit.errors import LaunchError
from launchkit.runners.markers import Markers

async def main() -> None:
    try:
        await Markers(Path(sys.argv[1])).set("run-1", "over", b"x" * 100)
    except LaunchError as exc:
        print(exc.message)

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
anyio.run(main)
"""
    done = subprocess.run(
        [sys.executable, "-B", "-c", program, markers.folder],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "cannot be kept or read: File too large" in done.stdout
    assert [*markers.folder.iterdir()] == []


async def test_what_was_set_is_on_the_disk(
    markers: Markers, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(fd: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{fd}").readlink()))
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    await markers.set("run-1", "over", b"note")
    parent, file, folder = synced
    assert (parent, folder) == (str(markers.folder.parent), str(markers.folder))
    assert Path(file).parent == markers.folder
