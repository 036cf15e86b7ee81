"""A process that is stopped in the middle of a write: who reads goes on, who writes is told who."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from store.conftest import Clock, Store, spec
from waiting import PATIENCE

from launchkit.abc import LaunchRequest
from launchkit.errors import NotFound, Unreachable
from launchkit.store import queues, sqlite_worker, submitting
from launchkit.store.database import Tx
from launchkit.store.fair_file_lock import FairFileLock, holder_of
from launchkit.store.own_marks import FAR, OwnMarks
from launchkit.store.sqlite import SqliteDatabase
from launchkit.store.wal import MARKS

HOLD = """
import os, signal, sys
from pathlib import Path
from launchkit.store.fair_file_lock import FairFileLock
from launchkit.store.sqlite_file import connect

path = Path(sys.argv[1])
with FairFileLock(path).turn():
    if path.exists():
        connection = connect(path)
        connection.execute("begin immediate")
        connection.execute("delete from queue")
    os.kill(os.getpid(), signal.SIGSTOP)
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    """These tests are about SQLite only."""
    return f"sqlite:///{tmp_path}/launchkit.db"


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("launchkit.store.sqlite.BUSY_SECONDS", 0.5)


@contextmanager
def stopped_in_a_write(path: Path) -> Iterator[int]:
    """The id of a process that has its turn, and was stopped; it goes on at the end."""
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)]) as process:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        try:
            yield process.pid
        finally:
            process.send_signal(signal.SIGCONT)
            process.wait(PATIENCE)


async def test_who_reads_does_not_wait_for_one_who_was_stopped_while_it_wrote(
    store: Store, tmp_path: Path
) -> None:
    await store.queue()
    path = tmp_path / "launchkit.db"
    with stopped_in_a_write(path):
        other = SqliteDatabase(path, clock=Clock())
        async with other.opened():
            assert [view.queue.name for view in await other.read(queues.List("e"))] == ["q"]


async def test_who_writes_is_told_who_is_in_the_way(store: Store, tmp_path: Path) -> None:
    await store.queue()
    with stopped_in_a_write(tmp_path / "launchkit.db") as pid:
        with pytest.raises(Unreachable, match=f"process {pid} has its turn.*is stopped") as error:
            await store.launch("never")
        assert f"kill -CONT {pid}" in str(error.value.hint)
    assert (await store.launch("after")).name == "after"


async def test_who_makes_the_file_is_told_who_is_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    with stopped_in_a_write(path) as pid, pytest.raises(Unreachable, match=f"process {pid}"):
        async with SqliteDatabase(path).opened():
            pass


async def test_what_is_told_not_to_be_stored_in_time_is_not_stored_later(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.queue()
    given_up = threading.Event()
    launch = submitting.Launch("e", "q", LaunchRequest(spec=spec("late"), actor="ann"))

    async def slow(tx: Tx) -> None:
        await launch(tx)
        given_up.wait(PATIENCE)

    with pytest.raises(Unreachable, match=r"did not answer within 0\.5 seconds$") as error:
        await store.write(slow)
    assert "end it" not in str(error.value.hint)
    monkeypatch.setattr("launchkit.store.sqlite.BUSY_SECONDS", PATIENCE)
    given_up.set()
    assert (await store.launch("after")).name == "after"
    with pytest.raises(NotFound):
        await store.item("late")


async def test_what_is_being_committed_is_waited_for_and_else_told_to_be_unknown(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.queue()
    goes_on = threading.Event()
    commit = sqlite_worker.advance

    def slow(connection: sqlite3.Connection) -> int:
        goes_on.wait(PATIENCE)
        return commit(connection)

    monkeypatch.setattr(sqlite_worker, "advance", slow)
    monkeypatch.setattr("launchkit.store.sqlite.BUSY_SECONDS", 1.0)
    with pytest.raises(Unreachable, match="has not said whether it has stored") as error:
        await store.launch("unknown")
    assert "look whether it is there" in str(error.value.hint)
    monkeypatch.setattr("launchkit.store.sqlite.BUSY_SECONDS", PATIENCE)
    goes_on.set()
    await store.launch("after")
    assert (await store.item("unknown")).name == "unknown"


def test_nobody_is_named_while_nobody_has_the_turn(tmp_path: Path) -> None:
    assert holder_of(tmp_path / "x.db") is None
    lock = FairFileLock(tmp_path / "x.db")
    with lock.turn():
        holder = holder_of(tmp_path / "x.db")
        assert holder is not None
        assert holder.pid == os.getpid()
        assert "stopped" not in str(holder)
    assert holder_of(tmp_path / "x.db") is None
    lock.close()


def test_only_what_others_have_written_is_strange() -> None:
    marks = OwnMarks()
    assert not marks.strange(MARKS - 2)
    marks.add(MARKS - 1)
    marks.add(0)
    assert not marks.strange(0)
    assert marks.strange(1)
    assert not marks.strange(1)
    marks.add(2)
    marks.discard(2)
    assert marks.strange(2)
    assert marks.strange(2 + FAR + 1)


async def test_an_own_write_wakes_only_whom_it_concerns(store: Store) -> None:
    await store.queue()
    with store.database.topics.subscribed("queue:none") as news:
        for number in range(3):
            await store.launch(str(number))
            assert not await news.wait(1.1), "it looks each second"
