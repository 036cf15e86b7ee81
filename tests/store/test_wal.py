"""A `-wal` is replayed onto the file that it belongs to, and onto no other."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from store.conftest import Store
from store.writer import crash, make, names_in, with_store

from launchkit.errors import Unreachable
from launchkit.store.sqlite_file import connect, prepare
from launchkit.store.wal import check_wal

Copied = Callable[[Path, Path], object]


def copied_by_sqlite(path: Path, copy: Path) -> None:
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as made:
        source.backup(made)


def vacuumed(path: Path, copy: Path) -> None:
    with closing(sqlite3.connect(path)) as source:
        source.execute(f"vacuum into '{copy}'")


def dumped(path: Path, copy: Path) -> None:
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as made:
        made.executescript("\n".join(source.iterdump()))
        version = source.execute("pragma user_version").fetchone()[0]
        made.execute(f"pragma user_version = {version}")


def copied_by_hand(path: Path, copy: Path) -> None:
    shutil.copy(path, copy)


async def launch_two(store: Store) -> None:
    await store.launch("c")
    await store.launch("d")


@pytest.mark.parametrize("copied", [copied_by_sqlite, vacuumed, dumped, copied_by_hand])
@pytest.mark.parametrize("put", [shutil.copy, os.replace])
def test_a_copy_put_beside_a_dead_agents_wal_is_refused_and_all_files_stay(
    copied: Copied, put: Copied, tmp_path: Path
) -> None:
    path = make(tmp_path / "q.db", "first")
    copied(path, tmp_path / "copy.db")
    with_store(path, lambda store: store.queue("later"))
    crash(path, "later")
    wal = Path(f"{path}-wal").read_bytes()
    put(tmp_path / "copy.db", path)
    with pytest.raises(Unreachable, match="changes of another file") as error:
        prepare(path)
    assert "launchkit store restore" in str(error.value.hint)
    assert Path(f"{path}-wal").read_bytes() == wal
    Path(f"{path}-wal").unlink()  # as the hint says
    assert names_in(path) == {"first"}


def test_a_copy_with_the_pages_of_the_file_that_the_wal_was_begun_on_loses_nothing(
    tmp_path: Path,
) -> None:
    path = make(tmp_path / "q.db", "first")
    copied_by_sqlite(path, tmp_path / "copy.db")
    crash(path, "later")
    shutil.copy(tmp_path / "copy.db", path)
    assert names_in(path) == {"first", "later"}


def test_a_file_into_which_a_checkpoint_has_written_its_first_page_alone_is_gone_on_with(
    tmp_path: Path,
) -> None:
    path, torn = tmp_path / "q.db", tmp_path / "torn.db"
    with closing(connect(path)) as connection:
        connection.execute("pragma wal_autocheckpoint = 0")
        connection.execute("create table part (content)")
        connection.execute("insert into part values (zeroblob(20000))")
        changes = Path(f"{path}-wal").read_bytes()
        before = path.stat().st_size
        connection.execute("pragma wal_checkpoint")
        torn.write_bytes(path.read_bytes()[:before])
    Path(f"{torn}-wal").write_bytes(changes)
    check_wal(torn)
    with closing(connect(torn)) as connection:
        assert connection.execute("select length(content) from part").fetchone()[0] == 20000


def test_a_copy_with_other_pages_is_refused_even_if_it_has_the_same_rows(tmp_path: Path) -> None:
    path = make(tmp_path / "q.db", "first")
    vacuumed(path, tmp_path / "copy.db")
    crash(path, "later")
    shutil.copy(tmp_path / "copy.db", path)
    with pytest.raises(Unreachable, match="changes of another file"):
        prepare(path)


def test_a_file_and_its_wal_may_be_moved_together(tmp_path: Path) -> None:
    path = make(tmp_path / "q.db", "first")
    crash(path, "later", "last")
    (tmp_path / "elsewhere").mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", tmp_path / "elsewhere")
    assert names_in(tmp_path / "elsewhere" / "q.db") == {"first", "later", "last"}


def test_a_wal_that_was_copied_into_the_file_in_part_belongs_to_it(tmp_path: Path) -> None:
    path = make(tmp_path / "q.db", "first")
    with closing(connect(path)) as reader, closing(connect(path)) as other:
        with_store(path, launch_two)
        reader.execute("begin")
        assert reader.execute("select count(*) from item").fetchone()[0] == 3
        with_store(path, launch_two)
        _, frames, copied = other.execute("pragma wal_checkpoint(passive)").fetchone()
        assert 0 < copied < frames
        for suffix in ("", "-wal"):
            shutil.copy(f"{path}{suffix}", tmp_path / f"copy.db{suffix}")
    assert names_in(tmp_path / "copy.db") == {"first", "c", "d"}


@pytest.mark.parametrize("length", [0, 31, 32, 3000, 4152])
def test_a_wal_without_a_whole_change_is_ignored(tmp_path: Path, length: int) -> None:
    path = make(tmp_path / "q.db", "first")
    crash(path, "later")
    wal = Path(f"{path}-wal")
    wal.write_bytes(wal.read_bytes()[:length].ljust(9000, b"\0"))
    assert names_in(path) == {"first"}


def test_a_file_from_before_there_were_marks_is_opened_with_its_wal(tmp_path: Path) -> None:
    path = make(tmp_path / "q.db", "first")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma application_id = 0")
    crash(path, "later")
    assert names_in(path) == {"first", "later"}
