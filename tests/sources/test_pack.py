"""Packing: what is taken, what is refused, and that equal code has an equal digest."""

import os
import shutil
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rights import like_others
from sources.trees import surveyed, tree

from launchkit.code.pack import pack
from launchkit.code.survey import MOST_TOLD, PackLimits
from launchkit.code.unpack import unpack
from launchkit.errors import LaunchError, Rejected


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "project"
    path.mkdir()
    (path / "train.py").write_text("print('hello')\n")
    return path


def names(root: Path) -> list[str]:
    return [entry.path for entry in surveyed(root)]


def test_the_digest_is_the_same_on_each_machine_and_for_ever(root: Path, tmp_path: Path) -> None:
    (root / "run.sh").write_text("exec python train.py\n")
    (root / "run.sh").chmod(0o700)
    (root / "data").mkdir()
    (root / ("long" * 30)).write_text("x")
    (root / "link").symlink_to("data")
    source = pack(root, tmp_path / "a.tar.gz")
    assert source.name == "project"
    assert source.size == (tmp_path / "a.tar.gz").stat().st_size
    assert source.digest == "4ad096de7332872c1296f7f9ba8d7bd0859b87a61dd01d5d9c0e489d8308d64e"


def test_times_owners_and_permissions_do_not_change_the_archive(root: Path, tmp_path: Path) -> None:
    pack(root, tmp_path / "a")
    other = tmp_path / "elsewhere" / "project"
    shutil.copytree(root, other)
    os.utime(other / "train.py", (1, 1))
    (other / "train.py").chmod(0o600)
    other.chmod(0o700)
    pack(other, tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "train.py").write_text("print('other')\n"),
        lambda root: (root / "train.py").chmod(0o755),
        lambda root: (root / "train.py").rename(root / "main.py"),
        lambda root: (root / "empty").mkdir(),
    ],
)
def test_what_matters_to_a_run_changes_the_digest(change, root: Path, tmp_path: Path) -> None:
    before = pack(root, tmp_path / "a").digest
    change(root)
    assert pack(root, tmp_path / "b").digest != before


def test_git_directories_are_left_out_and_launchkitignore_has_the_last_word(root: Path) -> None:
    for name in (".git/config", "data/a.csv", "data/.git", "out/log", "keep.log", "notes.txt"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("x")
    (root / ".gitignore").write_text("data/\n*.log\nout/\n")
    (root / ".launchkitignore").write_text("!data/\n!keep.log\nnotes.txt\n.*ignore\n")
    assert names(root) == ["data", "data/a.csv", "keep.log", "train.py"]


def test_nothing_is_looked_at_below_an_ignored_directory(root: Path) -> None:
    (root / "cache").mkdir()
    os.mkfifo(root / "cache" / "pipe")
    (root / ".gitignore").write_text("cache\n")
    assert names(root) == [".gitignore", "train.py"]


@pytest.mark.parametrize("target", ["../../secret", "/etc/passwd", "x/../../../secret", "../.."])
def test_a_symlink_out_of_the_tree_is_refused_with_its_path(target: str, root: Path) -> None:
    (root / "sub").mkdir()
    (root / "sub" / "link").symlink_to(target)
    with pytest.raises(Rejected, match=r"^sub/link: is a link to") as caught:
        surveyed(root)
    assert caught.value.hint


def test_a_symlink_that_leaves_through_another_one_is_refused(root: Path) -> None:
    (root / "deep" / "er").mkdir(parents=True)
    (root / "a").symlink_to("deep/er")
    (root / "b").symlink_to("a/../../..")
    with pytest.raises(Rejected, match=r"^b: is a link"):
        surveyed(root)


def test_all_that_cannot_be_packed_is_told_at_once(root: Path) -> None:
    (root / "sub").mkdir()
    (root / "sub" / "data").symlink_to("/data")
    (root / "big").write_text("0123456789" * 2)
    (root / "weights").symlink_to("../../weights")
    os.mkfifo(root / "pipe")
    with pytest.raises(Rejected) as caught:
        surveyed(root, PackLimits(file_bytes=19))
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == [
        "4 things cannot be packed", "big", "pipe", "sub/data", "weights"
    ]  # fmt: skip
    assert ".launchkitignore" in str(caught.value.hint)


def test_of_very_many_things_that_cannot_be_packed_some_are_told(root: Path) -> None:
    for number in range(MOST_TOLD + 7):
        (root / f"link{number:02}").symlink_to("/data")
    with pytest.raises(Rejected) as caught:
        surveyed(root)
    lines = str(caught.value).splitlines()
    assert lines[0] == f"{MOST_TOLD + 7} things cannot be packed:"
    assert (len(lines), lines[-1]) == (MOST_TOLD + 2, "and 7 more")


def test_virtual_environments_and_caches_are_left_out_and_told(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for folder in ("env/bin", "pkg/__pycache__", ".mypy_cache", "venv"):
        (root / folder).mkdir(parents=True)
    (root / "env" / "pyvenv.cfg").write_text("home = /usr/bin")
    (root / "env" / "bin" / "python").symlink_to("/usr/bin/python3")
    (root / "venv" / "notes").write_text("not an environment")
    assert names(root) == ["pkg", "train.py", "venv", "venv/notes"]
    assert caplog.messages == ["left out of the code: env (a virtual environment)"]


def test_a_queue_that_is_kept_in_the_code_is_left_out_and_told(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (root / "lk").mkdir()
    for name in ("q.db", "q.db-wal", "q.db-shm", "q.db-turn", "q.db-next", "notes-wal"):
        (root / "lk" / name).write_text("x")
    (root / "lk" / "q.db-wake").mkdir()
    make_socket(root / "lk" / "q.db-wake" / "12-0")
    assert names(root) == ["lk", "lk/notes-wal", "train.py"]
    assert caplog.messages == ["left out of the code: lk/q.db (a queue)"]


def test_what_an_ignore_file_speaks_of_is_not_left_out_unasked(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for folder in ("kept", "ignored"):
        (root / folder).mkdir()
        (root / folder / "pyvenv.cfg").write_text("")
    (root / ".gitignore").write_text("ignored\n")
    (root / ".launchkitignore").write_text("!kept\n")
    assert "kept/pyvenv.cfg" in names(root)
    assert "ignored" not in names(root)
    assert not caplog.messages


def test_links_inside_the_tree_are_kept_also_broken_ones_and_loops(root: Path) -> None:
    (root / "same").symlink_to("train.py")
    (root / "broken").symlink_to("nowhere")
    (root / "loop").symlink_to("loop")
    assert names(root) == ["broken", "loop", "same", "train.py"]


def make_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket may not be long
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


@pytest.mark.parametrize("make", [os.mkfifo, make_socket])
def test_special_files_are_refused_with_their_path(make, root: Path) -> None:
    make(root / "special")
    with pytest.raises(Rejected, match=r"^special: is a pipe, socket or device") as caught:
        surveyed(root)
    assert ".launchkitignore" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (PackLimits(file_bytes=9), r"(?m)^big: has 10 bytes; one file may have 9"),
        (PackLimits(total_bytes=20), r"^train.py: with it the code has more than 20 bytes"),
        (PackLimits(files=1), r"^train.py: with it the code has more than 1 files"),
        (PackLimits(path_bytes=10), r"^train.py: with it the paths in the code, .* than 10 bytes"),
    ],
)
def test_too_much_code_is_refused_with_the_path(limits, message, root: Path, tmp_path) -> None:
    (root / "big").write_text("0123456789")
    with pytest.raises(Rejected, match=message):
        pack(root, tmp_path / "a", limits)
    assert not (tmp_path / "a").exists()


def test_a_name_that_is_not_utf_8_is_refused(root: Path) -> None:
    Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9")).write_text("x")
    with pytest.raises(Rejected, match=r"caf\\xe9.*not valid UTF-8"):
        surveyed(root)


def test_an_unreadable_file_is_refused_with_its_path(root: Path, tmp_path: Path) -> None:
    (root / "train.py").chmod(0)
    with (
        like_others(),
        pytest.raises(Rejected, match=r"^train.py: cannot be read: Permission denied"),
    ):
        pack(root, tmp_path / "a")


def test_a_file_that_grows_while_it_is_packed_is_refused(root: Path, tmp_path: Path) -> None:
    archive = root / "archive.tar.gz"
    archive.write_text("packed into the directory that is packed")
    with pytest.raises(Rejected, match=r"^archive.tar.gz: changed while it was packed"):
        pack(root, archive)


def test_an_archive_that_cannot_be_written_is_told(root: Path, tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match=r"cannot pack .* into .*: No such file or directory"):
        pack(root, tmp_path / "none" / "a")


@pytest.mark.parametrize(
    ("name", "message"),
    [("none", "does not exist"), ("train.py", "is not a directory"), ("void", "nothing to pack")],
)
def test_a_root_without_code_is_refused(name: str, message: str, root: Path) -> None:
    (root / "void" / "empty").mkdir(parents=True)
    with pytest.raises(Rejected, match=message):
        surveyed(root / name)


part = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=40)
trees = st.dictionaries(
    part.filter(lambda name: name not in {".", ".."} and not name.startswith(".")),
    st.binary(max_size=200) | st.none(),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40)
@given(content=trees)
def test_what_was_packed_comes_out_again(content, tmp_path_factory: pytest.TempPathFactory) -> None:
    root, out = tmp_path_factory.mktemp("in"), tmp_path_factory.mktemp("out")
    (root / ".anchor").symlink_to(".")
    for name, data in content.items():
        if data is None:
            (root / name).mkdir()
        elif len(name.encode()) < 250:
            (root / name).write_bytes(data)
    source = pack(root, out / "archive")
    (out / "code").mkdir()
    unpack(out / "archive", source.digest, out / "code")
    assert tree(out / "code") == tree(root)
