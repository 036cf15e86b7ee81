"""Who may use a queue's file, under any umask."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest
from waiting import PATIENCE

from launchkit.errors import ConfigError
from launchkit.store import launches
from launchkit.store.access import keep_socket_to, look_at
from launchkit.store.backend import StoreBackend
from launchkit.store.backup import back_up
from launchkit.store.sqlite import SqliteDatabase
from launchkit.store.sqlite_file import is_current, prepare


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode)
        for path in folder.rglob("*")
    }


def opened_modes(folder: Path, mask: int, database: Path) -> dict[str, int]:
    async def while_open() -> dict[str, int]:
        opened = SqliteDatabase(database)
        async with opened.opened():
            await opened.read(launches.Events("e", "x", 0))
            with anyio.fail_after(PATIENCE):
                while not any(folder.rglob("*-wake/*")):
                    await anyio.lowlevel.checkpoint()
            return modes(folder)

    with umask(mask):
        return anyio.run(while_open)


@pytest.mark.parametrize("mask", [0o000, 0o002, 0o022, 0o077])
def test_all_that_is_made_for_a_queue_is_for_its_owner_alone(tmp_path: Path, mask: int) -> None:
    found = opened_modes(tmp_path, mask, tmp_path / "new" / "deep" / "queue.db")
    folders = {"new", "new/deep", "new/deep/queue.db-wake"}
    assert {name for name, mode in found.items() if mode == 0o700} == folders
    assert {mode for name, mode in found.items() if name not in folders} == {0o600}
    assert {f"new/deep/queue.db{end}" for end in ("", "-wal", "-shm", "-next", "-turn")} <= {*found}


@pytest.mark.parametrize("mask", [0o000, 0o077])
def test_a_queue_is_shared_with_its_group_if_the_mode_of_its_file_says_so(
    tmp_path: Path, mask: int
) -> None:
    database = tmp_path / "queue.db"
    prepare(database)
    database.chmod(0o660)
    found = opened_modes(tmp_path, mask, database)
    assert found.pop("queue.db-wake") & 0o777 == 0o770
    assert {*found.values()} == {0o660}


def test_what_an_earlier_launchkit_has_left_open_beside_a_file_is_closed(tmp_path: Path) -> None:
    database = tmp_path / "queue.db"
    prepare(database)
    for end in ("-next", "-turn"):
        Path(f"{database}{end}").chmod(0o644)
    Path(f"{database}-wake").mkdir(mode=0o755)
    found = opened_modes(tmp_path, 0o022, database)
    assert found.pop("queue.db-wake") == 0o700
    assert {*found.values()} == {0o600}


def test_a_backup_is_for_its_owner_alone(tmp_path: Path) -> None:
    prepare(tmp_path / "queue.db")
    with umask(0):
        back_up(tmp_path / "queue.db", tmp_path / "copy")
    assert modes(tmp_path)["copy"] == 0o600


@pytest.mark.parametrize("mode", [0o644, 0o606, 0o666])
async def test_a_file_that_everybody_may_use_is_told_with_what_to_do(
    tmp_path: Path, mode: int
) -> None:
    prepare(tmp_path / "queue.db")
    backend = StoreBackend(url=f"sqlite:///{tmp_path}/queue.db", entity="e")
    assert await backend.check() == ()
    (tmp_path / "queue.db").chmod(mode)
    (found,) = await backend.check()
    assert (found.level, found.hint) == ("warning", f"chmod 600 {tmp_path}/queue.db*")
    assert f"{mode:04o}" in found.message


@pytest.mark.parametrize("end", ["-wal", "-shm"])
def test_a_file_beside_the_database_that_everybody_may_use_is_told(
    tmp_path: Path, end: str
) -> None:
    prepare(tmp_path / "queue.db")
    (tmp_path / "link.db").symlink_to("queue.db")
    beside = tmp_path / f"queue.db{end}"
    beside.touch(0o600)
    beside.chmod(0o600)
    assert look_at(tmp_path / "queue.db") is None
    beside.chmod(0o602)
    for name in ("queue.db", "link.db"):
        found = look_at(tmp_path / name)
        assert found
        assert f"{beside} is open to every user of this machine (mode 0602)" in found.message
        assert found.hint == f"chmod 600 {tmp_path}/queue.db*"


def test_a_file_that_is_not_there_is_open_to_nobody(tmp_path: Path) -> None:
    assert look_at(tmp_path / "none.db") is None


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o703])
async def test_a_directory_in_which_everybody_may_put_files_is_told(
    tmp_path: Path, mode: int
) -> None:
    folder = tmp_path / "queues"
    folder.mkdir()
    prepare(folder / "queue.db")
    backend = StoreBackend(url=f"sqlite:///{folder}/queue.db", entity="e")
    assert await backend.check() == ()
    folder.chmod(mode)
    (found,) = await backend.check()
    assert found.level == "warning"
    assert f"may put files into {folder} (mode {mode:04o})" in found.message


async def test_a_directory_in_which_everybody_may_put_files_beside_what_a_link_leads_to_is_told(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "queues"
    folder.mkdir()
    prepare(folder / "queue.db")
    link = tmp_path / "mine.db"
    link.symlink_to(folder / "queue.db")
    backend = StoreBackend(url=f"sqlite:///{link}", entity="e")
    assert await backend.check() == ()
    folder.chmod(0o1777)
    (found,) = await backend.check()
    assert f"may put files into {folder} (mode 1777)" in found.message


async def test_a_directory_further_up_that_everybody_may_change_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "open" / "queues"
    folder.mkdir(parents=True)
    prepare(folder / "queue.db")
    backend = StoreBackend(url=f"sqlite:///{folder}/queue.db", entity="e")
    folder.parent.chmod(0o1777)  # as /tmp is: each removes their own things alone
    assert await backend.check() == ()
    folder.parent.chmod(0o777)
    (found,) = await backend.check()
    assert (found.level, found.hint) == ("warning", f"chmod o-w {folder.parent}")
    assert f"in the place of {folder}/queue.db" in found.message


async def test_a_directory_that_a_link_leads_through_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "open" / "queues"
    folder.mkdir(parents=True)
    prepare(folder / "queue.db")
    (tmp_path / "link").symlink_to(folder)
    folder.parent.chmod(0o777)
    found = look_at(tmp_path / "link" / "queue.db")
    assert found
    assert found.hint == f"chmod o-w {folder.parent}"


@pytest.mark.parametrize("put", [Path.symlink_to, Path.hardlink_to])
def test_nothing_that_is_put_in_the_place_of_a_mailbox_gets_its_mode(
    tmp_path: Path, put: Callable[[Path, Path], None]
) -> None:
    mine = tmp_path / "mine"
    mine.touch(0o600)
    put(tmp_path / "mailbox", mine)
    keep_socket_to(tmp_path / "mailbox", 0o660)
    assert stat.S_IMODE(mine.stat().st_mode) == 0o600


@pytest.mark.parametrize("end", ["-next", "-turn", "-wal", "-shm", "-journal"])
@pytest.mark.parametrize("put", [Path.symlink_to, Path.hardlink_to, lambda at, _: os.mkfifo(at)])
def test_nothing_is_written_where_a_link_beside_the_database_leads(
    tmp_path: Path, end: str, put: Callable[[Path, Path], None]
) -> None:
    path = tmp_path / "x.db"
    prepare(path)
    mine = tmp_path / "mine"
    mine.write_text("of somebody else")
    mine.chmod(0o640)
    beside = tmp_path / f"x.db{end}"
    beside.unlink(missing_ok=True)
    put(beside, mine)
    for look in (prepare, is_current):
        with pytest.raises(ConfigError, match=f"{end} is a link, or no file"):
            look(path)
    assert mine.read_text() == "of somebody else"
    assert mine.stat().st_mode & 0o777 == 0o640
    beside.unlink()
    prepare(path)
