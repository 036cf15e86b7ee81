"""Removing trees that others have shaped."""

import os
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mounts import Mount, SmallDisk

from launchkit.code.remove_tree import remove_tree


def deep_tree(path: Path, levels: int) -> Path:
    """A directory with *levels* directories in one another, and a file in the last."""
    path.mkdir()
    fd = os.open(path, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("directory", dir_fd=fd)
        inner = os.open("directory", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
    os.close(fd)
    return path


@pytest.fixture
def few_descriptors() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    in_use = max(map(int, os.listdir("/dev/fd")))  # noqa: PTH208 - numbers
    resource.setrlimit(resource.RLIMIT_NOFILE, (in_use + 8, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.usefixtures("few_descriptors")
def test_a_tree_of_any_depth_is_removed_with_few_descriptors(
    tmp_path: Path, small_disk: SmallDisk, caplog: pytest.LogCaptureFixture
) -> None:
    open_before = os.listdir("/dev/fd")  # noqa: PTH208
    for place, levels in ((tmp_path / "deep", 1_500), (small_disk.path / "deep", 20_000)):
        remove_tree(deep_tree(place, levels))
        assert not place.exists()
    assert os.listdir("/dev/fd") == open_before  # noqa: PTH208
    assert caplog.text == ""


def test_a_broad_tree_is_removed(tmp_path: Path) -> None:
    for n in range(300):
        (tmp_path / "tree" / f"{n % 10}" / f"{n}" / "x").mkdir(parents=True)
        (tmp_path / "tree" / f"{n % 10}" / f"{n}" / "file").touch()
    remove_tree(tmp_path / "tree")
    assert list(tmp_path.iterdir()) == []


PEAK = """
import sys, tracemalloc
from pathlib import Path
import launchkit.code.remove_tree as removing
removing._AT_ONCE, removing._REMEMBERED = 100, 200
tree = Path(sys.argv[1])
loads_all = tree.with_name("small")
(loads_all / "inner").mkdir(parents=True)
removing.remove_tree(loads_all)
tracemalloc.start()
removing.remove_tree(tree)
print(tracemalloc.get_traced_memory()[1])
"""


def peak_of_removal(tree: Path) -> int:
    """The bytes that it takes at most; in a process of its own, where no other thread has any."""
    command = [sys.executable, "-c", PEAK, str(tree)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_of_a_very_long_directory_few_entries_are_remembered(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "first").touch()
    for number in range(5000):
        (tmp_path / "tree" / f"{number:0200}").hardlink_to(tmp_path / "tree" / "first")
    for number in range(300):
        (tmp_path / "tree" / f"d{number}").mkdir()
    assert peak_of_removal(tmp_path / "tree") < 200_000
    assert list(tmp_path.iterdir()) == []


def test_of_very_many_directories_few_are_remembered(tmp_path: Path) -> None:
    for number in range(2000):
        (tmp_path / "tree" / f"{number:0200}" / "inner").mkdir(parents=True)
    assert peak_of_removal(tmp_path / "tree") < 250_000
    assert list(tmp_path.iterdir()) == []


def test_of_very_many_directories_in_each_other_few_are_remembered(tmp_path: Path) -> None:
    levels = 4000
    deep_tree(tmp_path / "tree", levels)
    assert peak_of_removal(tmp_path / "tree") < 100_000 + 30 * levels
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_remembered_of_a_tree_is_removed_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("launchkit.code.remove_tree._AT_ONCE", 2)
    monkeypatch.setattr("launchkit.code.remove_tree._REMEMBERED", 4)
    level = tmp_path / "tree"
    for number in range(60):
        for beside in range(5):
            (level / f"{beside}{number}" / "x" / "y").mkdir(parents=True)
            (level / f"{beside}{number}" / "x" / "file").touch()
        level = level / f"{number % 5}{number}" / "x"
    remove_tree(tmp_path / "tree")
    assert list(tmp_path.iterdir()) == []
    assert caplog.text == ""


def test_links_are_removed_and_what_they_lead_to_stays(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").touch()
    (tmp_path / "tree" / "inner").mkdir(parents=True)
    (tmp_path / "tree" / "inner" / "link").symlink_to(outside)
    (tmp_path / "tree" / "dangling").symlink_to("nowhere")
    (tmp_path / "itself").symlink_to(outside)
    remove_tree(tmp_path / "tree")
    remove_tree(tmp_path / "itself")
    assert list(tmp_path.iterdir()) == [outside]
    assert (outside / "precious").exists()


def test_a_file_is_removed_and_what_is_not_there_is_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    remove_tree(tmp_path / "file")
    remove_tree(tmp_path / "file")
    remove_tree(tmp_path / "no" / "such")
    assert list(tmp_path.iterdir()) == []
    assert caplog.text == ""


AS_NOBODY = """
import os, sys, logging
from pathlib import Path
from launchkit.code.remove_tree import remove_tree
logging.basicConfig(format="%(message)s")
os.chdir(sys.argv[1])
if os.getuid() == 0:
    os.setuid(65534)
"""
"""The start of a program whose user is held by permissions, as the tests' own may not be."""
CLOSED = """
for mode in (0o000, 0o200, 0o400, 0o500, 0o600):
    inner = Path(f"tree/{mode:o}")
    (inner / "empty").mkdir(parents=True)
    (inner / "file").touch()
    inner.chmod(mode)
remove_tree(Path("tree"))
"""


def as_nobody(program: str, folder: Path) -> str:
    folder.chmod(0o777)
    argv = [sys.executable, "-c", AS_NOBODY + program, str(folder)]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stderr


def test_a_directory_that_its_owner_has_closed_is_removed(tmp_path: Path) -> None:
    assert as_nobody(CLOSED, tmp_path) == ""
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_removed_is_left_and_told_once(tmp_path: Path) -> None:
    if os.getuid():
        pytest.skip("only root can make what others may not remove")
    for name in ("mine", "tree/theirs/a", "tree/theirs/b"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").touch()
    (tmp_path / "tree").chmod(0o777)
    told = as_nobody("remove_tree(Path('tree'))", tmp_path)
    assert re.fullmatch(
        r"tree cannot be removed altogether: 'tree/theirs/[ab]/file': Permission denied\n", told
    )
    assert (tmp_path / "tree" / "theirs" / "a" / "file").exists()


LITTLE_REMEMBERED = """
module = sys.modules[remove_tree.__module__]
module._AT_ONCE, module._REMEMBERED = 2, 4
remove_tree(Path("tree"))
"""


def test_what_cannot_be_removed_keeps_nothing_that_is_not_remembered(tmp_path: Path) -> None:
    if os.getuid():
        pytest.skip("only root can make what others may not remove")
    level, kept = tmp_path / "tree", set[Path]()
    for depth in range(6):
        for number in range(8):
            (level / f"mine{number}" / "a" / "b").mkdir(parents=True)
            (level / f"theirs{number}").mkdir()
            (level / f"theirs{number}" / "file").touch()
            kept |= {level / f"theirs{number}", level / f"theirs{number}" / "file"}
        level = level / f"mine{depth}"
        kept.add(level)
    for path in (tmp_path / "tree", *(tmp_path / "tree").rglob("*")):
        path.chmod(0o755 if "theirs" in path.name else 0o777)
    told = as_nobody(LITTLE_REMEMBERED, tmp_path)
    assert re.fullmatch(
        r"tree cannot be removed altogether: 'tree/\S*theirs\d/file': Permission denied\n", told
    )
    assert {*(tmp_path / "tree").rglob("*")} == kept - {level}


def test_what_is_mounted_in_a_tree_is_left(
    tmp_path: Path, mounted: Mount, caplog: pytest.LogCaptureFixture
) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    (tmp_path / "tree" / "data").mkdir(parents=True)
    (tmp_path / "tree" / "file").touch()
    mounted("--bind", precious, tmp_path / "tree" / "data")
    remove_tree(tmp_path / "tree")
    assert (precious / "file").exists()
    assert not (tmp_path / "tree" / "file").exists()
    assert "'tree/data': something is mounted there" in caplog.text
    assert len(caplog.records) == 1
