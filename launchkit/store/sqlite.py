"""The store in a SQLite file: one thread that writes, one that reads, each fed by a queue."""

import asyncio
import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar, cast

import anyio

from launchkit.addresses import masked
from launchkit.errors import ConfigError, LaunchkitError, QueueError, Unreachable, unwrapped
from launchkit.private_files import begin_file, make_folder
from launchkit.store.access import access_of
from launchkit.store.database import Body, Database, Row, Tx, migrations, statements
from launchkit.store.fair_file_lock import FairFileLock
from launchkit.store.notifier import DatagramNotifier
from launchkit.store.one_name import require_one_name
from launchkit.store.swap import finish
from launchkit.store.topics import EVERYTHING, StoreTopics
from launchkit.store.wal import advance, begin, check_wal

T = TypeVar("T")

LOOK_SECONDS = 1.0
"""How often the file is looked at for changes that no news told of."""
BATCH = 64
"""How many waiting transactions share one commit at most."""
BUSY_SECONDS = 60.0
"""How long another process may keep the file locked before the caller is told."""
JOIN_SECONDS = 5.0
_STATEMENTS = statements("core", "people", "sqlite")


class SqliteTx(Tx):
    """A transaction on a blocking connection: its awaits never suspend."""

    def __init__(self, connection: sqlite3.Connection, now: float) -> None:
        super().__init__(now)
        self._connection = connection

    async def all(self, statement: str, /, **values: object) -> Sequence[Row]:
        """Run the statement of that name; give its rows."""
        return self._connection.execute(
            _STATEMENTS[statement], {"now": self.now, **values}
        ).fetchall()


@dataclass(eq=False)
class _Request:
    """One transaction that somebody waits for."""

    body: Body[Any]
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[Any]"
    result: object = None
    error: BaseException | None = None
    topics: frozenset[str] = frozenset()

    def deliver(self) -> None:
        if self.answer.cancelled():
            return
        if self.error is not None:
            self.answer.set_exception(self.error)
        else:
            self.answer.set_result(self.result)


class SqliteDatabase(Database):
    """A SQLite file. Any number of processes may use it, each through one of these."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.topics = StoreTopics()
        self._path = path
        self._clock = clock

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Open the file, made or upgraded as needed, for the time of the context."""
        self._writes: SimpleQueue[_Request | None] = SimpleQueue()
        self._reads: SimpleQueue[_Request | None] = SimpleQueue()
        await anyio.to_thread.run_sync(prepare, self._path)
        self._notifier = DatagramNotifier(
            Path(f"{self._path.resolve()}-wake"), access_of(self._path)
        )
        threads = [
            threading.Thread(target=self._work, args=args, daemon=True, name=f"launchkit-{args[1]}")
            for args in ((self._writes, "writer"), (self._reads, "reader"))
        ]
        for thread in threads:
            thread.start()
        try:
            with unwrapped():
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._look)
                    tasks.start_soon(self._notifier.receive, self.topics.publish)
                    try:
                        yield
                    finally:
                        tasks.cancel_scope.cancel()
        finally:
            self._writes.put(None)
            self._reads.put(None)
            with anyio.move_on_after(JOIN_SECONDS, shield=True):
                for thread in threads:
                    await anyio.to_thread.run_sync(thread.join, JOIN_SECONDS)
            self._notifier.close()

    async def write(self, body: Body[T]) -> T:
        """Run *body* in a transaction that may write; it shares its commit with its neighbours."""
        return await self._run(self._writes, body)

    async def read(self, body: Body[T]) -> T:
        """Run *body* on a consistent snapshot."""
        return await self._run(self._reads, body)

    async def _run(self, requests: "SimpleQueue[_Request | None]", body: Body[T]) -> T:
        loop = asyncio.get_running_loop()
        request = _Request(body, loop, loop.create_future())
        requests.put(request)
        with anyio.move_on_after(BUSY_SECONDS):
            return cast("T", await request.answer)
        raise Unreachable(
            f"the queue's database {self._path} did not answer within {BUSY_SECONDS:g} seconds",
            hint="another process holds its lock; one that was stopped in the middle of a write?",
        )

    async def _look(self) -> None:
        last = None
        while True:
            await anyio.sleep(LOOK_SECONDS)
            if not self.topics:
                continue
            with contextlib.suppress(Unreachable):
                version = await self._run(self._reads, _data_version)
                if last is not None and version != last:
                    self.topics.publish([EVERYTHING])
                last = version

    def _work(self, requests: "SimpleQueue[_Request | None]", role: str) -> None:
        worker = _Worker(self._path, self._clock, writes=role == "writer")
        with contextlib.closing(worker):
            while (batch := _batch(requests)) is not None:
                worker.run(batch)
                self._deliver(batch)

    def _deliver(self, batch: Sequence[_Request]) -> None:
        topics: set[str] = set().union(*(request.topics for request in batch))
        for loop in {request.loop for request in batch}:
            mine = [request for request in batch if request.loop is loop]
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(self._hand_over, mine, topics)
        if topics:
            self._notifier.send(topics)

    def _hand_over(self, batch: Sequence[_Request], topics: set[str]) -> None:
        for request in batch:
            request.deliver()
        self.topics.publish(topics)


def _batch(requests: "SimpleQueue[_Request | None]") -> Sequence[_Request] | None:
    first = requests.get()
    if first is None:
        return None
    batch = [first]
    with contextlib.suppress(Empty):
        while len(batch) < BATCH:
            request = requests.get_nowait()
            if request is None:
                requests.put(None)
                break
            batch.append(request)
    return batch


class _Worker:
    """What one thread owns: a connection, opened again when the file was replaced."""

    def __init__(self, path: Path, clock: Callable[[], float], *, writes: bool) -> None:
        self._path = path
        self._clock = clock
        self._writes = writes
        self._connection: sqlite3.Connection | None = None
        self._turnstile: FairFileLock | None = None
        self._inode = -1

    def close(self) -> None:
        self._disconnect()
        if self._turnstile is not None:
            self._turnstile.close()
        self._turnstile = None

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def run(self, batch: Sequence[_Request]) -> None:
        """Run all of *batch* in one transaction. One that fails does not disturb the others."""
        try:
            with self._turn(), self._opened() as connection, _transaction(connection, self._writes):
                for request in batch:
                    if not request.answer.cancelled():  # nobody waits for it any more
                        self._run_one(connection, request)
        except (sqlite3.Error, OSError, LaunchkitError) as exc:
            for request in batch:
                request.error = request.error or self._translated(exc)
                request.topics = frozenset()

    def _run_one(self, connection: sqlite3.Connection, request: _Request) -> None:
        tx = SqliteTx(connection, self._clock())
        connection.execute("savepoint one")
        try:
            request.result = _finish(request.body(tx))
        except sqlite3.Error as exc:
            if not connection.in_transaction:
                raise  # SQLite gave up the whole transaction
            connection.execute("rollback to one")
            request.error = self._translated(exc)
        except (OverflowError, UnicodeEncodeError) as exc:
            connection.execute("rollback to one")
            request.error = QueueError(f"the queue's database {self._path}: {exc}")
        except BaseException as exc:  # noqa: BLE001 - it is raised where the result is awaited
            connection.execute("rollback to one")
            request.error = exc
        else:
            request.topics = frozenset(tx.topics)
        connection.execute("release one")

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        inode = self._inode_now()
        if inode is None:
            self._disconnect()
            raise Unreachable(
                f"the queue's database {self._path} was deleted while in use",
                hint="restore it from a backup; restart to begin with an empty one",
            )
        if inode != self._inode:
            self._disconnect()
        if self._connection is None:
            self._connection = attach(self._path)
            if not self._writes:
                self._connection.execute("pragma query_only = on")
            self._inode = self._path.stat().st_ino
        yield self._connection

    def _inode_now(self) -> int | None:
        try:
            return self._path.stat().st_ino
        except FileNotFoundError:
            return None

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for a turn to write, or to open the file."""
        if not self._writes and self._connection and self._inode_now() == self._inode:
            yield
            return
        if self._turnstile is None:
            self._turnstile = FairFileLock(self._path)
        with self._turnstile.turn():
            yield

    def _translated(self, exc: Exception) -> Exception:
        if isinstance(exc, LaunchkitError):
            return exc
        where = f"the queue's database {self._path}"
        if isinstance(exc, sqlite3.IntegrityError):
            hint = "name the new place with --backend" if "has moved" in str(exc) else None
            return QueueError(f"{where}: {exc}", hint=hint)
        hint = next((hint for word, hint in HINTS.items() if word in str(exc)), None)
        return Unreachable(f"{where}: {exc}", hint=hint)


HINTS = {
    "full": "free some disk space; what waits is tried again",
    "readonly": "the file and its folder must be writable for this user",
    "unable to open": "the file and its folder must be readable and writable for this user",
    "malformed": "restore it from a backup",
    "not a database": "the path names some other file",
    "locked": "another program than launchkit holds a lock on the file",
}
"""What to do next, by a word in what SQLite says."""


def attach(path: Path) -> sqlite3.Connection:
    """Connect to the file that belongs there, and with no other file's WAL. Belongs into a turn.

    :raises ConfigError: if the file has several names.
    :raises Unreachable: if the file was replaced beside its WAL.
    """
    real = path.resolve()
    require_one_name(real)
    finish(real)
    check_wal(real)
    return connect(path)


def connect(path: Path) -> sqlite3.Connection:
    """A connection that keeps to what a crash-proof queue needs: WAL, and a sync at each commit. A
    file that is not there is made for its owner alone; SQLite gives those beside it its mode.
    """
    begin_file(path.resolve())
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.row_factory = sqlite3.Row
    if not connection.execute("pragma page_count").fetchone()[0]:
        begin(connection)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    connection.execute("pragma foreign_keys = on")
    return connection


def prepare(path: Path) -> None:
    """Make the file, or bring it to this version's schema; the steps are all or nothing.

    :raises ConfigError: if a newer launchkit made it, or it is no database of launchkit's.
    :raises Unreachable: if it cannot be read or written.
    """
    scripts = migrations("sqlite")
    try:
        make_folder(path.parent)
        with (
            contextlib.closing(FairFileLock(path)) as lock,
            lock.turn(),
            contextlib.closing(attach(path)) as connection,
        ):
            _migrate(connection, path, scripts)
    except OSError as exc:
        raise Unreachable(
            f"the queue's database {path}: {exc.strerror}",
            hint="choose another place with --backend sqlite:///PATH",
        ) from exc
    except sqlite3.DatabaseError as exc:
        hint = next((hint for word, hint in HINTS.items() if word in str(exc)), None)
        raise Unreachable(f"the queue's database {path}: {exc}", hint=hint) from exc


def _migrate(connection: sqlite3.Connection, path: Path, scripts: Sequence[str]) -> None:
    version = connection.execute("pragma user_version").fetchone()[0]
    if version > len(scripts):
        raise ConfigError(
            f"{path} was made by a newer launchkit: its schema is {version},"
            f" and this one knows {len(scripts)}",
            hint="upgrade launchkit, or name another file with --backend",
        )
    if version == 0 and connection.execute("select count(*) from sqlite_master").fetchone()[0]:
        raise ConfigError(f"{path} is a database of some other program")
    for number, script in enumerate(scripts[version:], start=version + 1):
        connection.executescript(
            f"begin immediate;\n{script}\npragma user_version = {number};\ncommit;"
        )


@contextmanager
def _transaction(connection: sqlite3.Connection, writes: bool) -> Iterator[None]:
    connection.execute("begin immediate" if writes else "begin")
    before = connection.total_changes
    try:
        yield
        if connection.total_changes != before:
            advance(connection)
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise


def _finish(body: "Coroutine[Any, Any, T] | Any") -> T:
    """Run a body that awaits only its own transaction, which here never suspends."""
    try:
        body.send(None)
    except StopIteration as stop:
        return cast("T", stop.value)
    body.close()
    raise TypeError("a transaction body awaited something other than its transaction")


async def _data_version(tx: Tx) -> int:
    row = await tx.one("data_version")
    return int(row["data_version"]) if row else 0


def file_of(url: str) -> Path:
    """The file that `sqlite:///PATH` names; `~` is the home directory.

    :raises ConfigError: if it is another kind of URL.
    """
    scheme, _, rest = url.partition("://")
    if scheme != "sqlite" or not rest.startswith("/") or rest == "/":
        raise ConfigError(f"{masked(url)}: a SQLite file is written sqlite:///PATH")
    path = Path(rest[1:]).expanduser()
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links
