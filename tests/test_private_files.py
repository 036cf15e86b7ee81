"""Directories and files for their owner alone."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from launchkit.private_files import begin_file, folder_for_all, make_folder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o002])
def _wide_umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_wide_umask")
def test_each_directory_on_the_way_is_for_the_owner_alone(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b" / "c")
    make_folder(tmp_path / "a" / "b" / "c")
    assert [mode(tmp_path / at) for at in ("a", "a/b", "a/b/c")] == [0o700] * 3


@pytest.mark.usefixtures("_wide_umask")
def test_a_file_that_a_link_leads_to_is_for_the_owner_alone(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "first").symlink_to("second")
    (tmp_path / "second").symlink_to("logs/file")
    begin_file(tmp_path / "first")
    begin_file(tmp_path / "first")
    assert mode(tmp_path / "logs" / "file") == 0o600


@pytest.mark.usefixtures("_wide_umask")
def test_a_directory_and_a_file_that_are_there_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a").chmod(0o755)
    (tmp_path / "file").write_text("kept")
    (tmp_path / "file").chmod(0o640)
    make_folder(tmp_path / "a")
    begin_file(tmp_path / "file")
    assert (mode(tmp_path / "a"), mode(tmp_path / "file")) == (0o755, 0o640)
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.usefixtures("_wide_umask")
def test_a_file_is_begun_for_the_owner_alone(tmp_path: Path) -> None:
    begin_file(tmp_path / "file")
    assert mode(tmp_path / "file") == 0o600


def test_what_a_file_is_in_the_way_of_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        make_folder(tmp_path / "file" / "below")


@pytest.mark.parametrize(
    "links",
    [
        {"home/file": "open/file", "open/file": "safe/file"},
        {"home/file": "open/middle/file", "open/middle": "safe"},
        {"home/file": "safe/../open/middle", "open/middle": "../safe/file"},
    ],
)
def test_a_directory_that_a_link_between_links_is_in_is_told(
    tmp_path: Path, links: dict[str, str]
) -> None:
    for name in ("home", "open", "safe"):
        (tmp_path / name).mkdir(mode=0o700)
    (tmp_path / "safe" / "file").touch(0o600)
    for name, target in links.items():
        (tmp_path / name).symlink_to(target if target.startswith("..") else tmp_path / target)
    assert folder_for_all(tmp_path / "home" / "file") is None
    (tmp_path / "open").chmod(0o777)
    assert folder_for_all(tmp_path / "home" / "file") == (tmp_path / "open", "0777")
    assert folder_for_all(tmp_path / "safe" / "file") is None


def test_links_that_lead_to_each_other_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert folder_for_all(tmp_path / "a") is None
