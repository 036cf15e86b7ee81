"""A process that puts launches into a queue's file until it is killed, and one that uses it.

`python -m store.writer FILE NAME JOURNAL` writes each name to JOURNAL once its launch is stored.
"""

import contextlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import count
from pathlib import Path

import anyio
from store.conftest import Clock, Store
from waiting import PATIENCE

from launchkit.store.sqlite import SqliteDatabase
from launchkit.store.sqlite_file import connect, prepare

TESTS = Path(__file__).parents[1]


async def write(path: str, name: str, journal: str) -> None:
    database = SqliteDatabase(Path(path))
    with Path(journal).open("a", buffering=1) as file:
        async with database.opened():
            store = Store(database, Clock())
            for number in count():
                await store.launch(f"{name}-{number}")
                file.write(f"{name}-{number}\n")


def make(path: Path, *launches: str) -> Path:
    """A file with a queue q, and these launches in it."""

    async def fill(store: Store) -> None:
        await store.queue()
        for name in launches:
            await store.launch(name)

    with_store(path, fill)
    return path


def crash(path: Path, *launches: str) -> None:
    """Leave the file and its WAL as a process leaves them that is killed after these launches."""

    async def fill(store: Store) -> None:
        for name in launches:
            await store.launch(name)
        for suffix in ("", "-wal"):
            shutil.copy(f"{path}{suffix}", f"{path}{suffix}.kept")

    with_store(path, fill)
    for suffix in ("", "-wal"):
        Path(f"{path}{suffix}.kept").replace(f"{path}{suffix}")


def with_store(path: Path, body: Callable[[Store], Awaitable[None]]) -> None:
    """Open the file, and use it."""

    async def main() -> None:
        database = SqliteDatabase(path)
        async with database.opened():
            await body(Store(database, Clock()))

    anyio.run(main)


@contextlib.contextmanager
def writing(path: Path, *names: str) -> Iterator[Path]:
    """Processes that write, killed in the end; gives their journal."""
    journal = path.with_name("journal")
    command = [sys.executable, "-m", "store.writer", str(path)]
    writers = [subprocess.Popen([*command, name, str(journal)], cwd=TESTS) for name in names]
    try:
        yield journal
    finally:
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
            writer.wait()


async def stored(journal: Path, number: int) -> Sequence[str]:
    """The names in a journal, once there are so many."""
    with anyio.fail_after(PATIENCE):
        while True:
            if await anyio.Path(journal).exists():
                names = (await anyio.Path(journal).read_text()).split()
                if len(names) >= number:
                    return names
            await anyio.sleep(0.01)


def killed(path: Path, name: str = "later", number: int = 20) -> None:
    """Let a process write, and kill it while changes of it lie in the WAL."""
    with writing(path, name) as journal:
        anyio.run(stored, journal, number)
    journal.unlink()
    assert Path(f"{path}-wal").stat().st_size


def names_in(path: Path) -> set[str]:
    """Open the store as any program does; its launches, if SQLite finds it sound."""
    prepare(path)
    with contextlib.closing(connect(path)) as connection:
        assert connection.execute("pragma integrity_check").fetchall()[0][0] == "ok"
        return {row[0] for row in connection.execute("select name from item")}


if __name__ == "__main__":
    anyio.run(write, *sys.argv[1:])
