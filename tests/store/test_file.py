"""The SQLite file: several processes, faults of the disk, other versions, wake-ups."""

import os
import socket
import sqlite3
import subprocess
import sys
from contextlib import chdir, closing
from pathlib import Path

import anyio
import pytest
from mounts import mount, unmount
from store.conftest import Clock, Store, fill
from waiting import PATIENCE

from launchkit.abc import Selection
from launchkit.errors import ConfigError, QueueError, Unreachable
from launchkit.model.people import Principal
from launchkit.store import launches, queues, sqlite_file
from launchkit.store.access import Access
from launchkit.store.notifier import DatagramNotifier
from launchkit.store.opening import database_of
from launchkit.store.sqlite import SqliteDatabase
from launchkit.store.sqlite_file import connect, file_of, is_current, prepare
from launchkit.store.tokens import FirstAdministrator, Proofs
from launchkit.store.topics import StoreTopics


@pytest.fixture
def url(tmp_path: Path) -> str:
    """These tests are about SQLite only."""
    return f"sqlite:///{tmp_path}/launchkit.db"


CHILD = """
import sys, anyio
sys.path.insert(0, "tests")
from pathlib import Path
from store.conftest import Clock, Store
from launchkit.store.sqlite import SqliteDatabase

async def main(path, name, n):
    database = SqliteDatabase(Path(path))
    async with database.opened():
        store = Store(database, Clock())
        got = []
        for i in range(int(n)):
            await store.launch(f"{name}-{i}")
            if (claim := await store.claim(name)) is not None:
                got.append(claim.item.id)
        print(" ".join(got))

anyio.run(main, *sys.argv[1:])
"""


async def launch_many(store: Store) -> None:
    for number in range(1000):
        await store.launch(f"more-{number}")


def child(path: Path, name: str, number: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", CHILD, str(path), name, str(number)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


async def test_processes_share_a_file_without_an_error_and_nothing_is_given_twice(
    store: Store,
) -> None:
    await store.queue()
    path = store.database._path
    children = [child(path, name, 60) for name in "abcd"]
    outputs = [await anyio.to_thread.run_sync(c.communicate) for c in children]
    assert [c.returncode for c in children] == [0] * 4
    given = [item for out, _ in outputs for item in out.split()]
    assert len(given) == len(set(given)) == 240


async def test_one_process_wakes_another(store: Store) -> None:
    await store.queue()
    with store.database.topics.subscribed("queue:1") as news:
        one = child(store.database._path, "a", 1)
        assert await news.wait(PATIENCE)
        await anyio.to_thread.run_sync(one.communicate)


def leave_mailbox(path: Path) -> None:
    """That of a process that has died; its path may be longer than an address."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mailbox, chdir(path.parent):
        mailbox.bind(path.name)


async def test_a_datagram_carries_the_topics_and_dead_mailboxes_are_removed(
    tmp_path: Path,
) -> None:
    folder = tmp_path / ("deep" * 30)
    folder.parent.mkdir(exist_ok=True)
    topics = StoreTopics()
    listener, sender = DatagramNotifier(folder, Access()), DatagramNotifier(folder, Access())
    with topics.subscribed("queue:7") as news:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listener.receive, topics.publish)
            await anyio.wait_all_tasks_blocked()
            leave_mailbox(folder / "1-1")
            sender.send({"queue:7"})
            assert await news.wait(PATIENCE)
            tasks.cancel_scope.cancel()
    listener.close()
    sender.close()
    assert [*folder.iterdir()] == []


def test_what_is_no_mailbox_stays_where_it_is(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "wake", tmp_path / "elsewhere"
    folder.mkdir()
    leave_mailbox(folder / "1-1")
    leave_mailbox(elsewhere)
    (folder / "file").write_text("kept")
    (folder / "link").symlink_to(elsewhere)
    os.mkfifo(folder / "pipe")
    sender = DatagramNotifier(folder, Access())
    sender.send({"queue:7"})
    sender.close()
    assert {path.name for path in folder.iterdir()} == {"file", "link", "pipe"}
    assert elsewhere.is_socket()


async def test_no_mailbox_is_put_where_a_link_leads(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir(mode=0o755)
    (tmp_path / "wake").symlink_to("other")
    listener = DatagramNotifier(tmp_path / "wake", Access())
    await listener.receive(lambda topics: None)
    listener.close()
    assert [*(tmp_path / "other").iterdir()] == []
    assert (tmp_path / "other").stat().st_mode & 0o777 == 0o755


async def test_a_text_that_another_database_could_not_keep_is_refused(store: Store) -> None:
    await store.queue()
    with pytest.raises(QueueError, match=r"NUL character \(U\+0000\)"):
        await store.launch("nul\0")
    assert await store.database.read(launches.List("e", Selection())) == []


async def test_bytes_that_are_no_text_in_a_mailbox_hurt_nobody(store: Store) -> None:
    await store.queue()
    folder = Path(f"{store.database._path}-wake")
    with store.database.topics.subscribed("queue:1") as news:
        for mailbox in folder.iterdir():
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.sendto(b"\xff\xfe", str(mailbox))
                sender.sendto(b"queue:1", str(mailbox))
        assert await news.wait(PATIENCE)
    await store.launch()


async def test_a_file_that_was_deleted_is_an_error_and_one_put_back_is_used(store: Store) -> None:
    await store.queue()
    path = store.database._path
    await store.database.read(queues.List("e"))
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    with pytest.raises(Unreachable, match="was deleted while in use"):
        await store.launch()
    with pytest.raises(ConfigError, match="is gone: it was deleted or moved"):
        prepare(path)
    connect(path).close()  # somebody puts another one there
    prepare(path)
    await store.queue("again")
    assert [v.queue.name for v in await store.database.read(queues.List("e"))] == ["again"]


@pytest.mark.parametrize("step", ["require_not_vanished", "connect"])
async def test_a_file_that_goes_while_it_is_opened_is_not_made_anew_and_may_come_back(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    await store.queue()
    path = store.database._path
    away = path.with_name("away.db")
    done = getattr(sqlite_file, step)

    def goes(found: Path, **more: object) -> object:
        found.rename(away)
        return done(found, **more)

    other = SqliteDatabase(path, clock=clock)
    async with other.opened():
        with monkeypatch.context() as patch:
            patch.setattr(sqlite_file, step, goes)
            with pytest.raises(Unreachable, match="was deleted while in use"):
                await Store(other, clock).launch()
        assert not path.exists()
        away.rename(path)
        await Store(other, clock).launch()


def test_a_file_from_a_newer_version_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    connection = connect(path)
    connection.execute("pragma user_version = 999")
    connection.close()
    with pytest.raises(ConfigError, match="made by a newer launchkit"):
        prepare(path)


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    connection = sqlite3.connect(path)
    connection.execute("create table theirs (x)")
    connection.close()
    with pytest.raises(ConfigError, match="some other program"):
        prepare(path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_text("not a database, but long enough to be looked at as one" * 20)
    with pytest.raises(Unreachable, match="not a database"):
        prepare(path)


async def test_a_damaged_page_is_no_matter_of_time(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    prepare(path)
    with closing(sqlite3.connect(path)) as connection:
        find = "select rootpage from sqlite_master where name in ('queue', 'queue_name')"
        pages = [row[0] for row in connection.execute(find)]
        connection.execute("pragma wal_checkpoint(truncate)")
    with path.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * 4096)
            file.write(b"\xff" * 4096)
    database = SqliteDatabase(path)
    async with database.opened():
        for call in (database.read, database.write):
            with pytest.raises(QueueError, match="malformed") as error:
                await call(queues.List("e"))
            assert not isinstance(error.value, Unreachable)
            assert error.value.hint == "restore it from a backup"


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unreachable, match="File exists"):
        prepare(tmp_path / "file" / "x.db")


async def test_a_full_disk_is_an_error_that_goes_away_with_space(small_disk: Path) -> None:
    database = SqliteDatabase(small_disk / "x.db")
    async with database.opened():
        store = Store(database, Clock())
        await store.queue()
        first = await store.launch()
        ballast = small_disk / "ballast"
        fill(ballast)
        with pytest.raises(Unreachable, match="full") as error:
            await launch_many(store)
        assert "free some disk space" in str(error.value.hint)
        ballast.unlink()
        await store.launch("after")
        assert (await store.item(first.id)).id == first.id


async def test_who_comes_when_the_disk_is_full_is_told_to_free_some(small_disk: Path) -> None:
    prepare(small_disk / "x.db")
    fill(small_disk / "ballast")
    with pytest.raises(Unreachable) as error:
        async with (database := SqliteDatabase(small_disk / "x.db")).opened():
            await Store(database, Clock()).queue()
    assert "free some disk space" in str(error.value.hint)


async def test_a_full_disk_is_not_in_the_way_of_one_who_proves_a_token(small_disk: Path) -> None:
    database = SqliteDatabase(small_disk / "x.db")
    async with database.opened():
        store = Store(database, Clock())
        await store.queue()
        made = await store.write(FirstAdministrator())
        assert made is not None
        fill(small_disk / "ballast")
        with pytest.raises(Unreachable, match="full"):
            await launch_many(store)
        assert isinstance(await Proofs(database).prove(made.secret), Principal)


async def test_one_who_comes_by_a_symbolic_link_is_woken_and_stands_in_line(
    tmp_path: Path, clock: Clock
) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link.db").symlink_to("there/real.db")
    real, linked = (SqliteDatabase(tmp_path / name) for name in ("there/real.db", "link.db"))
    async with real.opened(), linked.opened():
        with linked.topics.subscribed("queue:1") as news, anyio.fail_after(PATIENCE):
            await Store(real, clock).queue()
            await Store(real, clock).launch()
            assert await news.wait(PATIENCE)
        await Store(linked, clock).launch()
    beside = {path.name for path in tmp_path.iterdir()}
    assert beside == {"there", "link.db"}


def test_a_file_with_hard_links_is_refused_until_it_has_one_name(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    prepare(path)
    (tmp_path / "other.db").hardlink_to(path)
    for name in ("x.db", "other.db"):
        with pytest.raises(ConfigError, match="has 2 names"):
            prepare(tmp_path / name)
    (tmp_path / "other.db").unlink()
    prepare(path)


@pytest.mark.parametrize("place", ["folder", "/dev/null"])
def test_what_is_no_file_is_refused_as_that(tmp_path: Path, place: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError, match=r" is no file$"):
        is_current(tmp_path / place)
    assert list(tmp_path.iterdir()) == [tmp_path / "folder"], "nothing is made beside it"


@pytest.mark.reported("N6")
def test_a_file_that_is_mounted_by_itself_is_refused(tmp_path: Path) -> None:
    path, inside = tmp_path / "x.db", tmp_path / "in side"
    prepare(path)
    inside.mkdir()
    (inside / "q.db").touch()
    if not mount("--bind", path, inside / "q.db"):
        pytest.skip("nothing may be mounted here")
    try:
        with pytest.raises(ConfigError, match="mounted as a single file") as caught:
            prepare(inside / "q.db")
        assert "directory" in str(caught.value.hint)
    finally:
        unmount(inside / "q.db")


def test_urls_name_files() -> None:
    assert file_of("sqlite:////abs/q.db") == Path("/abs/q.db")
    assert file_of("sqlite:///~/q.db") == Path.home() / "q.db"
    assert file_of("sqlite:///rel/q.db") == Path.cwd() / "rel/q.db"


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite://host/x", "x.db", "http://h"])
def test_what_names_no_file_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="sqlite:///PATH"):
        file_of(url)


@pytest.mark.parametrize("name", ["there", "there/queue.db"])
def test_links_that_lead_round_in_a_circle_are_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "there").symlink_to("back")
    (tmp_path / "back").symlink_to("there")
    with pytest.raises(ConfigError, match="round in a circle"):
        database_of(f"sqlite:///{tmp_path}/{name}")


@pytest.mark.parametrize("url", ["mysql://ann:pw@h/q", "mysql+pymysql://ann:pw@h/q", "/tmp/q.db"])
def test_a_database_of_another_kind_is_told_with_the_kinds_that_there_are(url: str) -> None:
    with pytest.raises(ConfigError) as told:
        database_of(url)
    assert "pw" not in told.value.message
    assert told.value.hint == "write sqlite:///PATH or postgresql://HOST/NAME"
    with pytest.raises(ConfigError, match="no database that launchkit keeps queues in"):
        database_of("postgresql://h/q", direct=url)


async def test_an_open_store_leaves_no_thread_and_no_socket_behind(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "x.db")
    async with database.opened():
        await database.read(launches.Events("e", "x", 0))
    assert not list(Path(f"{tmp_path}/x.db-wake").iterdir())


def test_a_file_on_a_read_only_disk_is_named(small_disk: Path) -> None:
    prepare(small_disk / "x.db")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(Unreachable, match=r"x\.db: Read-only file system") as error:
        prepare(small_disk / "x.db")
    assert "--backend" in str(error.value.hint)
