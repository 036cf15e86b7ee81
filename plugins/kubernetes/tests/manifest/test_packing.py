"""Code as pieces that fit into secrets."""

import gzip
import io
import os
import random
import subprocess
import tarfile
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from launchkit_kubernetes.runs.packing import MAX_PIECES, PIECE_BYTES, packed

from launchkit.errors import LaunchError, Rejected

NOBODY = 65534


def members(code: Path) -> dict[str, tarfile.TarInfo]:
    data = b"".join(packed(code).pieces)
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(data))) as tar:
        return {member.name: member for member in tar}


def noise(size: int) -> bytes:
    return random.Random(1).randbytes(size)


@pytest.fixture
def code(tmp_path: Path) -> Path:
    made = tmp_path / "code"
    (made / "b").mkdir(parents=True)
    (made / "b" / "two.py").write_text("2")
    (made / "a.sh").write_text("1")
    (made / "a.sh").chmod(0o700)
    (made / "link").symlink_to("/nowhere/else")
    return made


def test_files_directories_and_links_are_kept_without_what_differs_by_machine(code: Path) -> None:
    found = members(code)
    assert [*found] == ["a.sh", "b", "b/two.py", "link"]
    assert [found[name].mode for name in ("a.sh", "b", "b/two.py")] == [0o755, 0o755, 0o644]
    assert found["link"].issym()
    assert found["link"].linkname == "/nowhere/else"
    for one in found.values():
        assert (one.uid, one.gid, one.uname, one.gname, one.mtime) == (0, 0, "", "", 0)


def test_equal_code_gives_equal_pieces(code: Path, tmp_path: Path) -> None:
    before = packed(code).pieces
    for path in code.rglob("*"):
        os.utime(path, (5, 5), follow_symlinks=False)
    (code / "b" / "two.py").chmod(0o600)
    renamed = code.rename(tmp_path / "elsewhere")
    assert packed(renamed).pieces == before


def test_devices_pipes_and_sockets_are_left_out(code: Path) -> None:
    os.mkfifo(code / "pipe")
    assert "pipe" not in members(code)


def test_a_name_that_is_no_utf8_is_kept(code: Path) -> None:
    (code / os.fsdecode(b"\xff")).write_text("x")
    assert os.fsdecode(b"\xff") in members(code)


def test_no_piece_is_larger_than_a_secret_may_be(code: Path) -> None:
    (code / "model").write_bytes(noise(3 * PIECE_BYTES))
    pieces = packed(code).pieces
    assert [len(piece) for piece in pieces[:-1]] == [PIECE_BYTES] * 3
    assert 0 < len(pieces[-1]) <= PIECE_BYTES


def test_an_empty_directory_is_an_archive_too(tmp_path: Path) -> None:
    (piece,) = packed(tmp_path).pieces
    assert gzip.decompress(piece)


def test_code_that_is_too_large_is_rejected(code: Path) -> None:
    (code / "model").write_bytes(noise(MAX_PIECES * PIECE_BYTES + 1))
    with pytest.raises(Rejected, match="more than 11 MB packed, too much") as caught:
        packed(code)
    assert "builder" in (caught.value.hint or "")


def test_of_many_files_with_long_names_nothing_is_remembered_but_what_they_become(
    tmp_path: Path,
) -> None:
    deep = tmp_path.joinpath(*["d" * 250] * 14)
    deep.mkdir(parents=True)
    for number in range(2000):
        (deep / str(number)).touch()
    tracemalloc.start()
    packed(tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read anything."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_file_that_cannot_be_read_is_named() -> None:
    with TemporaryDirectory() as folder:
        code = Path(folder)
        code.chmod(0o755)
        (code / "key.pem").touch(0)
        with (
            as_nobody(),
            pytest.raises(Rejected, match=r"^key\.pem: cannot be read: Permission d"),
        ):
            packed(code)


def test_a_directory_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match=r"cannot pack the code: .*/gone: No such file"):
        packed(tmp_path / "gone")


@pytest.fixture
def very_deep(tmp_path: Path) -> Iterator[Path]:
    """Directories whose path is longer than one may be."""
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(2200):
        os.mkdir("a", dir_fd=here)
        inner = os.open("a", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    yield tmp_path
    subprocess.run(["rm", "-rf", tmp_path / "a"], check=True)  # rmtree recurses


def test_directories_that_are_nested_very_deep_are_an_error_of_the_launch(very_deep: Path) -> None:
    with pytest.raises(Rejected, match="the path has 4097 bytes; it may have 4096"):
        packed(very_deep)
