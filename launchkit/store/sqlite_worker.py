"""What one thread does with a SQLite file: transactions that others wait for."""

import asyncio
import math
import sqlite3
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from launchkit.errors import ConfigError, LaunchkitError, QueueError, Unreachable
from launchkit.store.clock_steps import ClockSteps, clock_ahead
from launchkit.store.database import TOO_MUCH_HINT, Body, Row, Tx, statements
from launchkit.store.fair_file_lock import FairFileLock
from launchkit.store.own_marks import OwnMarks
from launchkit.store.sqlite_file import HINTS, attach, attach_to_read
from launchkit.store.wal import advance

T = TypeVar("T")

STEPS = 10_000
"""Of SQLite's machine, some milliseconds, after which it is looked whether somebody still waits."""
_STATEMENTS = statements("core", "people", "webhooks", "sqlite")


class SqliteTx(Tx):
    """A transaction on a blocking connection: its awaits never suspend."""

    def __init__(self, connection: sqlite3.Connection, now: float) -> None:
        super().__init__(now)
        self._connection = connection

    async def all(self, statement: str, /, **values: object) -> Sequence[Row]:
        """Run the statement of that name; give its rows.

        :raises QueueError: if a text has a character that PostgreSQL cannot keep: a queue may move.
        """
        if any(isinstance(value, str) and "\0" in value for value in values.values()):
            raise QueueError("the queue's database: no text may have a NUL character (U+0000)")
        return self._connection.execute(
            _STATEMENTS[statement], {"now": self.now, **values}
        ).fetchall()


@dataclass(eq=False)
class Request:
    """One transaction that somebody waits for."""

    body: Body[Any]
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[Any]"
    result: object = None
    error: BaseException | None = None
    topics: frozenset[str] = frozenset()
    _decided: threading.Lock = field(init=False, default_factory=threading.Lock)

    def decide(self) -> bool:
        """Decide whether it takes place; who comes first does. What is done is to be committed, or
        nobody waits any more, and it is to be undone.
        """
        return self._decided.acquire(blocking=False)

    def deliver(self) -> None:
        if self.answer.cancelled():
            return
        if self.error is not None:
            self.answer.set_exception(self.error)
        else:
            self.answer.set_result(self.result)


class Worker:
    """What one thread owns: a connection, opened again when the file was replaced."""

    def __init__(
        self,
        path: Path,
        clock: Callable[[], float] | None,
        own: OwnMarks | None,
        seconds: float,
    ) -> None:
        """Go by *clock*, or the machine's, which somebody may set; who writes has *own* marks, and
        one who reads may take some *seconds*.
        """
        self._path = path
        self._seconds = seconds
        self._read: Request | None = None
        self._until = math.inf
        self._clock = clock or _machine_clock
        self._steps = ClockSteps() if clock is None and own is not None else None
        self._own = own
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

    def run(self, batch: Sequence[Request]) -> None:
        """Run all of *batch* in one transaction. One that fails does not disturb the others."""
        try:
            ahead = 0.0
            with self._turn(), self._opened() as connection, _transaction(connection, self._own):
                clock = self._clock
                if self._steps is not None:
                    ahead = self._steps.look(connection)
                    clock = partial(clock_ahead, ahead)
                for request in batch:
                    if not request.answer.cancelled():  # nobody waits for it any more
                        self._run_one(connection, request, clock())
            if self._steps is not None:
                self._steps.keep(ahead)
        except (sqlite3.Error, OSError, LaunchkitError) as exc:
            for request in batch:
                request.error = request.error or self._translated(exc)
                request.topics = frozenset()

    def _run_one(self, connection: sqlite3.Connection, request: Request, now: float) -> None:
        tx = SqliteTx(connection, now)
        connection.execute("savepoint one")
        try:
            with self._in_time(request):
                request.result = finish(request.body(tx))
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
            if request.decide():
                request.topics = frozenset(tx.topics)
            else:
                connection.execute("rollback to one")
        connection.execute("release one")

    @contextmanager
    def _in_time(self, request: Request) -> Iterator[None]:
        self._read, self._until = request, time.monotonic() + self._seconds
        try:
            yield
        finally:
            self._read, self._until = None, math.inf

    def _is_in_vain(self) -> bool:
        """Whether what is being read takes too long, or nobody waits for it any more."""
        gone = self._read is not None and self._read.answer.cancelled()
        return gone or time.monotonic() > self._until

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        inode = self._inode_now()
        if inode is None:
            raise self._gone()
        if inode != self._inode:
            self._disconnect()
        if self._connection is None:
            self._connection = self._attached_anew()
            if self._own is None:
                self._connection.set_progress_handler(self._is_in_vain, STEPS)
            self._inode = self._path.stat().st_ino
        yield self._connection

    def _gone(self) -> Unreachable:
        self._disconnect()
        return Unreachable(
            f"the queue's database {self._path} was deleted while in use",
            hint="stop all that uses it, and put a backup there with launchkit store restore FILE",
        )

    def _attached_anew(self) -> sqlite3.Connection:
        try:
            return self._attached()
        except (ConfigError, sqlite3.OperationalError) as exc:
            if self._inode_now() is None:  # it went just now, and may come back
                raise self._gone() from exc
            raise

    def _attached(self) -> sqlite3.Connection:
        if self._own is not None:
            return attach(self._path)
        if (connection := attach_to_read(self._path)) is not None:
            return connection
        with self._own_turn():
            connection = attach(self._path)
            connection.execute("pragma query_only = on")
            return connection

    def _inode_now(self) -> int | None:
        try:
            return self._path.stat().st_ino
        except FileNotFoundError:
            return None

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for a turn to write; who reads needs none."""
        if self._own is None:
            yield
            return
        with self._own_turn():
            yield

    @contextmanager
    def _own_turn(self) -> Iterator[None]:
        if self._turnstile is None:
            self._turnstile = FairFileLock(self._path)
        with self._turnstile.turn():
            yield

    def _translated(self, exc: Exception) -> Exception:
        if isinstance(exc, LaunchkitError):
            return exc
        where = f"the queue's database {self._path}"
        if getattr(exc, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            return Unreachable(
                f"{where}: to read what was asked for took longer than {self._seconds:g} seconds",
                hint=TOO_MUCH_HINT,
            )
        if isinstance(exc, sqlite3.IntegrityError):
            hint = "name the new place with --backend" if "has moved" in str(exc) else None
            return QueueError(f"{where}: {exc}", hint=hint)
        hint = next((hint for word, hint in HINTS.items() if word in str(exc)), None)
        if "malformed" in str(exc):  # no other time will do
            return QueueError(f"{where}: {exc}", hint=hint)
        return Unreachable(f"{where}: {exc}", hint=hint)


def _machine_clock() -> float:
    return time.time()


@contextmanager
def _transaction(connection: sqlite3.Connection, own: OwnMarks | None) -> Iterator[None]:
    """One that writes if its commit is to be noted among the *own* ones."""
    connection.execute("begin" if own is None else "begin immediate")
    before, mark = connection.total_changes, -1
    try:
        yield
        if own is not None and connection.total_changes != before:
            mark = advance(connection)
            own.add(mark)
        connection.execute("commit")
    except BaseException:
        if own is not None:
            own.discard(mark)
        if connection.in_transaction:
            connection.execute("rollback")
        raise


def finish(body: "Coroutine[Any, Any, T] | Any") -> T:
    """Run a body that awaits only its own transaction, which here never suspends."""
    try:
        body.send(None)
    except StopIteration as stop:
        return cast("T", stop.value)
    body.close()
    raise TypeError("a transaction body awaited something other than its transaction")
