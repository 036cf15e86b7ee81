"""Unpacking trusts nothing in an archive."""

import gzip
import hashlib
import io
import os
import stat
import tarfile
import tracemalloc
from functools import partial
from pathlib import Path

import pytest
from ended import ends_when_cancelled
from sources.trees import tree

from launchkit.code.links import Links
from launchkit.code.remove_tree import remove_tree
from launchkit.code.survey import PackLimits
from launchkit.code.unpack import DamagedArchive, unpack
from launchkit.errors import FetchError


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, 0o4777
    info.size = 4 if kind == tarfile.REGTYPE else 0
    return info


def write(path: Path, *members: tarfile.TarInfo) -> str:
    """Make an archive whose files hold "data", and give its digest."""
    raw = io.BytesIO()
    with tarfile.open(mode="w", fileobj=raw) as tar:
        for info in members:
            tar.addfile(info, io.BytesIO(b"data"))
    path.write_bytes(gzip.compress(raw.getvalue()))
    return hashlib.sha256(raw.getvalue()).hexdigest()


LINK, HARD = tarfile.SYMTYPE, tarfile.LNKTYPE


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([member("../out")], "leads out"),
        ([member("/out")], "leads out"),
        ([member("a/../../out")], "leads out"),
        ([member("l", LINK, "/etc")], "leads out"),
        ([member("l", LINK, "..")], "leads out"),
        ([member("a/l", LINK, "../../x")], "leads out"),
        ([member("d", LINK, "."), member("d/e", LINK, "x")], "behind another link"),
        ([member("h", HARD, "/etc/passwd")], "neither a file"),
        ([member("dev", tarfile.CHRTYPE)], "neither a file"),
        ([member("pipe", tarfile.FIFOTYPE)], "neither a file"),
        ([member("a"), member("a")], "twice"),
        ([member("a"), member("a/b")], "cannot unpack"),
        ([member("a"), member("a", LINK, "b")], "cannot unpack"),
        ([member("a"), member("b"), member("c"), member("d")], "more than 3"),
    ],
)
def test_what_must_not_be_unpacked_is_refused(members, message: str, tmp_path: Path, into) -> None:
    digest = write(tmp_path / "a", *members)
    with pytest.raises(FetchError, match=message) as caught:
        unpack(tmp_path / "a", digest, into, PackLimits(files=3))
    assert not isinstance(caught.value, DamagedArchive)
    assert not (tmp_path / "out").exists()


def test_a_chain_of_links_that_ends_outside_is_refused(tmp_path: Path, into: Path) -> None:
    members = [
        member("deep/er", tarfile.DIRTYPE),
        member("a", LINK, "deep/er"),
        member("b", LINK, "a/../../.."),
    ]
    digest = write(tmp_path / "a", *members)
    with pytest.raises(FetchError, match=r"^b: "):
        unpack(tmp_path / "a", digest, into)


def test_a_file_behind_a_link_is_never_written_through_it(tmp_path: Path, into: Path) -> None:
    digest = write(tmp_path / "a", member("d", LINK, "e"), member("d/f"))
    with pytest.raises(FetchError):
        unpack(tmp_path / "a", digest, into)
    assert not (into / "e").exists()


def test_permissions_are_plain_and_nothing_more(tmp_path: Path, into: Path) -> None:
    digest = write(tmp_path / "a", member("run"))
    unpack(tmp_path / "a", digest, into)
    assert (into / "run").stat().st_mode & 0o7777 == 0o755
    assert tree(into) == {"run": b"data"}


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-20], lambda data: b"no gzip", lambda data: data[:-9] + b"x" * 9]
)
def test_a_damaged_archive_is_told_from_a_bad_one_and_unpacks_nothing(
    damage, tmp_path: Path, into: Path
) -> None:
    digest = write(tmp_path / "a", member("file"))
    (tmp_path / "a").write_bytes(damage((tmp_path / "a").read_bytes()))
    with pytest.raises(DamagedArchive):
        unpack(tmp_path / "a", digest, into)
    assert tree(into) == {}


def test_what_was_unpacked_may_be_read_by_all_whatever_the_umask_is(
    tmp_path: Path, into: Path
) -> None:
    digest = write(tmp_path / "a", member("deep/er/file"))
    before = os.umask(0o077)
    try:
        unpack(tmp_path / "a", digest, into)
    finally:
        os.umask(before)
    names = ("deep", "deep/er", "deep/er/file")
    assert [stat.S_IMODE((into / name).stat().st_mode) for name in names] == [0o755] * 3


def test_other_content_than_the_digest_says_is_refused(tmp_path: Path, into: Path) -> None:
    write(tmp_path / "a", member("file"))
    with pytest.raises(DamagedArchive, match="its digest is"):
        unpack(tmp_path / "a", "0" * 64, into)
    assert tree(into) == {}


def test_a_bomb_is_stopped_at_the_limit(tmp_path: Path, into: Path) -> None:
    data = bytes(50_000_000)
    (tmp_path / "a").write_bytes(gzip.compress(data))
    limits = PackLimits(total_bytes=1000, files=10)
    with pytest.raises(FetchError, match="unpacks to more than 41960 bytes"):
        unpack(tmp_path / "a", hashlib.sha256(data).hexdigest(), into, limits)


def test_an_archive_that_is_not_there_is_told_clearly(tmp_path: Path, into: Path) -> None:
    with pytest.raises(DamagedArchive, match="cannot be read: No such file"):
        unpack(tmp_path / "a", "0" * 64, into)


def test_directories_that_are_nested_deep_are_unpacked(tmp_path: Path, into: Path) -> None:
    name = "d/" * 1500 + "file"
    digest = write(tmp_path / "a", member(name))
    unpack(tmp_path / "a", digest, into)
    assert (into / name).read_text() == "data"
    remove_tree(into)


def test_directories_that_are_nested_without_end_are_refused(tmp_path: Path, into: Path) -> None:
    digest = write(tmp_path / "a", member("d/" * 5000 + "file"))
    with pytest.raises(FetchError, match="cannot unpack"):
        unpack(tmp_path / "a", digest, into)


def record(key: str, value: bytes) -> bytes:
    rest = b" " + key.encode() + b"=" + value + b"\n"
    size = len(rest) + 1
    while len(str(size)) + len(rest) != size:
        size += 1
    return str(size).encode() + rest


def block(name: str, kind: bytes, size: int = 0) -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


def headed(*records: bytes, kind: bytes = tarfile.REGTYPE) -> bytes:
    """A tar of one entry with a header of odd content before it."""
    text = b"".join(records)
    head = block("head", tarfile.XHDTYPE, len(text))
    return head + text + bytes(-len(text) % 512) + block("f", kind) + bytes(1024)


SPARSE = record("GNU.sparse.major", b"1") + record("GNU.sparse.minor", b"0")


@pytest.mark.parametrize(
    "raw",
    [
        headed(record("path", b"a\0b")),
        headed(record("linkpath", b"a\0b"), kind=LINK),
        headed(record("path", b"a" * 300)),
        headed(record("path", b"a/" * 3000)),
        headed(record("path", b"a" * 70_000)),
        headed(SPARSE),
        headed(record("GNU.sparse.map", b"1,x"), record("GNU.sparse.size", b"x")),
        headed(record("size", b"-512")),
        headed(b"0 path=b\n"),
        headed(b"9 path=" + b"c" * 40),
        headed(record("path", b"a"), record("path", b"f")),
        headed(b"\xff"),
        headed(record("path", b"a"), kind=tarfile.XHDTYPE),
        b"".join(headed()[:512] for _ in range(3000)),
        block("long", tarfile.GNUTYPE_LONGNAME, 2**31) + bytes(2048),
        block("all", tarfile.XGLTYPE, 2**31) + bytes(2048),
        block("head", tarfile.XHDTYPE, 2**31) + bytes(2048),
        block("holes", tarfile.GNUTYPE_SPARSE) + bytes(1024),
        block("cut", tarfile.REGTYPE, 5000) + bytes(512),
        b"no tar" * 1000,
        b"",
    ],
)
def test_odd_headers_are_refused_in_bounded_memory(raw: bytes, tmp_path: Path, into: Path) -> None:
    (tmp_path / "a").write_bytes(gzip.compress(raw))
    tracemalloc.start()
    with pytest.raises(FetchError):
        unpack(tmp_path / "a", hashlib.sha256(raw).hexdigest(), into)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000


def test_long_names_are_unpacked(tmp_path: Path, into: Path) -> None:
    name = "é" * 100 + "/" + "b" * 200
    digest = write(tmp_path / "a", member(name), member("l", LINK, name))
    unpack(tmp_path / "a", digest, into)
    assert (into / "l").read_text() == "data"


def test_links_in_a_circle_lead_nowhere(tmp_path: Path, into: Path) -> None:
    digest = write(tmp_path / "a", member("a", LINK, "b"), member("b", LINK, "a"))
    unpack(tmp_path / "a", digest, into)
    assert os.readlink(into / "a") == "b"  # noqa: PTH115 - as text


def test_what_stands_behind_links_in_a_circle_is_refused(tmp_path: Path, into: Path) -> None:
    links = [member("a", LINK, "b"), member("b", LINK, "a"), member("a/x", LINK, "q")]
    digest = write(tmp_path / "a", *links)
    with pytest.raises(FetchError, match="a/x: stands behind another link"):
        unpack(tmp_path / "a", digest, into)


@pytest.mark.parametrize("count", [39, 45, 3000])
def test_a_chain_of_many_links_costs_little(count: int, tmp_path: Path, into: Path) -> None:
    links = [member(f"l{i}", LINK, f"l{i + 1}") for i in range(count)]
    digest = write(tmp_path / "a", *links, member(f"l{count}"))
    unpack(tmp_path / "a", digest, into)
    assert (into / f"l{count - 1}").read_text() == "data"


def test_a_link_of_very_many_steps_is_refused(tmp_path: Path, into: Path) -> None:
    digest = write(tmp_path / "a", member("d/f"), member("l", LINK, "d/../" * 300 + "d"))
    with pytest.raises(FetchError, match=r"^l: is a link out of"):
        unpack(tmp_path / "a", digest, into)


def test_links_that_lead_over_too_many_others_together_are_refused(
    tmp_path: Path, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchkit.code.unpack.Links", partial(Links, most=100))
    links = [member(f"l{i}", LINK, f"l{i + 1}") for i in range(20)]
    digest = write(tmp_path / "a", *links, member("l20"))
    with pytest.raises(FetchError, match="to follow all links of the code takes too many steps"):
        unpack(tmp_path / "a", digest, into)


def test_directories_without_an_entry_count(tmp_path: Path, into: Path) -> None:
    digest = write(tmp_path / "a", *[member(f"{i}/b/c", tarfile.DIRTYPE) for i in range(4)])
    with pytest.raises(FetchError, match="more than 10 files and directories"):
        unpack(tmp_path / "a", digest, into, PackLimits(files=10))


def test_a_directory_that_comes_again_and_again_counts(tmp_path: Path, into: Path) -> None:
    digest = write(tmp_path / "a", *[member("d", tarfile.DIRTYPE)] * 4)
    unpack(tmp_path / "a", digest, into, PackLimits(files=4))
    with pytest.raises(FetchError, match="d: more than 3 files and directories"):
        unpack(tmp_path / "a", digest, into, PackLimits(files=3))


@pytest.mark.parametrize(
    ("members", "size"),
    [
        ([member("é/b/c"), member("d")], 13),  # é, é/b, é/b/c and d
        ([member("d", tarfile.DIRTYPE)] * 4, 4),
        ([member("a", LINK, "b" * 50), member("b", LINK, "é" * 20)], 92),
    ],
)
def test_paths_and_links_have_only_so_many_bytes_together(
    members, size: int, tmp_path: Path, into: Path
) -> None:
    digest = write(tmp_path / "a", *members)
    with pytest.raises(FetchError, match=f"lead to, have more than {size - 1} bytes") as caught:
        unpack(tmp_path / "a", digest, into, PackLimits(path_bytes=size - 1))
    assert not isinstance(caught.value, DamagedArchive)
    remove_tree(into)
    into.mkdir()
    unpack(tmp_path / "a", digest, into, PackLimits(path_bytes=size))


async def test_links_are_made_no_longer_than_they_are_wanted(tmp_path: Path, into: Path) -> None:
    digest = write(tmp_path / "a", *[member(f"l{i}", LINK, "x") for i in range(20)])
    assert await ends_when_cancelled(partial(unpack, tmp_path / "a", digest, into))
    assert tree(into) == {}
