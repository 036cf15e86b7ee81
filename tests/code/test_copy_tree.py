"""What is copied is as it was, however deep."""

import os
import shutil
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from ended import ends_when_cancelled

from launchkit.code.copy_tree import copy_tree
from launchkit.code.remove_tree import remove_tree

DEPTH = 1500


@pytest.fixture
def code(tmp_path: Path) -> Iterator[Path]:
    root = tmp_path / "code"
    below = root.joinpath(*["d"] * DEPTH)
    for number in range(0, DEPTH + 1, 300):
        root.joinpath(*["d"] * number).mkdir(parents=True, exist_ok=True)
    below.joinpath("run.sh").touch(mode=0o755)
    (root / "link").symlink_to("nowhere")
    (root / "closed").mkdir(mode=0o555)
    yield root
    remove_tree(root)


def test_a_tree_is_copied_however_deep_with_its_links_and_modes(code: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy_tree(code, copy, put_file=shutil.copy2, put_mode=shutil.copystat)
    assert os.access(copy.joinpath(*["d"] * DEPTH, "run.sh"), os.X_OK)
    assert (copy / "link").readlink() == Path("nowhere")
    assert stat.S_IMODE((copy / "closed").stat().st_mode) == 0o555
    remove_tree(copy)


async def test_a_tree_is_copied_no_longer_than_it_is_wanted(code: Path, tmp_path: Path) -> None:
    copy = partial(copy_tree, put_file=shutil.copy2, put_mode=shutil.copystat)
    assert await ends_when_cancelled(partial(copy, code, tmp_path / "copy"))
    assert not [*(tmp_path / "copy").iterdir()]


def test_what_cannot_be_written_ends_the_copy(code: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").touch()
    with pytest.raises(OSError, match="copy"):
        copy_tree(code, tmp_path / "copy", put_file=shutil.copy2, put_mode=shutil.copystat)
