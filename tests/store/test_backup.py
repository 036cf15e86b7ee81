"""Backups of a file in use; restores, also ones that are refused, killed or out of space."""

import itertools
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from store.conftest import Store, fill
from store.writer import crash, killed, make, names_in, stored, with_store, writing

from launchkit.errors import (
    ConfigError,
    Conflict,
    LaunchkitError,
    LeaseLost,
    QueueError,
    Unreachable,
)
from launchkit.model import Claim, ItemState, Pause
from launchkit.store import agents, queues
from launchkit.store.backup import back_up, restore
from launchkit.store.copy import freeze
from launchkit.store.restored import BY, REASON
from launchkit.store.sqlite_file import prepare

DIES = """
import os, signal, sys
from pathlib import Path
from launchkit.store.backup import restore

left = int(sys.argv[3])

def count(event, args):
    global left
    if event in {"os.rename", "os.mkdir", "os.rmdir", "os.remove", "sqlite3.connect"}:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
restore(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def names_of_backup(path: Path) -> set[str]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
        return {row[0] for row in connection.execute("select name from item")}


def others(folder: Path) -> set[str]:
    """What lies beside a store, but for what each store has."""
    names = {path.name for path in folder.iterdir()}
    return names - {f"q.db{suffix}" for suffix in ("", "-next", "-turn", "-wake")}


async def test_a_backup_has_all_that_was_stored_before_it_while_four_write(tmp_path: Path) -> None:
    path = tmp_path / "q.db"
    await anyio.to_thread.run_sync(make, path)
    with writing(path, *"abcd") as journal:
        for number in range(1, 4):
            before = await stored(journal, number * 50)
            target = tmp_path / f"backup-{number}.db"
            await anyio.to_thread.run_sync(back_up, path, target)
            assert names_of_backup(target) >= {*before}
            assert target.stat().st_mode & 0o777 == 0o600


def test_a_backup_replaces_a_file_only_by_force(tmp_path: Path) -> None:
    path, target = make(tmp_path / "q.db", "first"), tmp_path / "backup.db"
    target.write_text("mine")
    with pytest.raises(Conflict, match="exists"):
        back_up(path, target)
    assert target.read_text() == "mine"
    back_up(path, target, force=True)
    assert names_of_backup(target) == {"first"}
    assert others(tmp_path) == {"backup.db"}


@pytest.mark.parametrize("leads_to", ["there", "nowhere"])
def test_a_backup_is_not_put_in_the_place_of_a_link_that_leads_to_no_file(
    tmp_path: Path, leads_to: str
) -> None:
    path, target = make(tmp_path / "q.db", "first"), tmp_path / "here"
    target.symlink_to(tmp_path / leads_to)
    (tmp_path / "there").symlink_to(target)
    with pytest.raises(Conflict, match="here is a symbolic link that leads to no file") as error:
        back_up(path, target)
    assert "--force" in str(error.value.hint)
    assert target.is_symlink()
    back_up(path, target, force=True)
    assert names_of_backup(target) == {"first"}


def test_the_store_itself_is_never_replaced_by_its_backup(tmp_path: Path) -> None:
    path = make(tmp_path / "q.db", "first")
    (tmp_path / "link").symlink_to(path)
    for target in (path, tmp_path / "link"):
        with pytest.raises(Conflict, match="the queue's file itself"):
            back_up(path, target, force=True)
    assert names_in(path) == {"first"}


def test_no_backup_is_put_beside_the_wal_of_another_file(tmp_path: Path) -> None:
    path = make(tmp_path / "q.db")
    (tmp_path / "backup.db-wal").touch()
    with pytest.raises(Conflict, match=r"backup\.db-wal lies there"):
        back_up(path, tmp_path / "backup.db", force=True)


def test_where_there_is_no_queue_none_is_made_for_a_backup(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no queue"):
        back_up(tmp_path / "q.db", tmp_path / "backup.db")
    assert not [*tmp_path.iterdir()]


def test_a_backup_onto_a_full_disk_leaves_nothing(tmp_path: Path, small_disk: Path) -> None:
    path = make(tmp_path / "q.db", *(f"launch-{number}" for number in range(50)))
    fill(small_disk / "ballast")
    with pytest.raises(Unreachable, match=r"full|No space"):
        back_up(path, small_disk / "backup.db")
    assert [p.name for p in small_disk.iterdir()] == ["ballast"]


def test_a_damaged_store_is_not_called_backed_up(tmp_path: Path) -> None:
    path = make(tmp_path / "q.db", *(f"launch-{number}" for number in range(50)))
    damage(path)
    with pytest.raises(QueueError, match="damaged"):
        back_up(path, tmp_path / "backup.db")
    assert others(tmp_path) <= {"q.db-wal", "q.db-shm"}


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for start in range(8192, len(data), 4096):
        data[start : start + 64] = b"\xff" * 64
    path.write_bytes(data)


def test_a_restore_of_what_a_killed_process_left_brings_the_old_rows_back(tmp_path: Path) -> None:
    path, backup = make(tmp_path / "q.db", "first"), tmp_path / "backup.db"
    path.chmod(0o640)
    back_up(path, backup)
    killed(path)
    kept = restore(path, backup)
    assert kept == tmp_path / "q.db-replaced-1"
    assert names_in(path) == {"first"}
    assert path.stat().st_mode & 0o777 == 0o640
    assert names_in(kept / "q.db") >= {"first", "later-19"}
    assert others(tmp_path) == {"backup.db", "q.db-replaced-1"}


def test_a_restore_is_undone_with_what_it_kept_and_its_wal(tmp_path: Path) -> None:
    path, backup = make(tmp_path / "q.db", "first"), tmp_path / "backup.db"
    back_up(path, backup)
    crash(path, "later")
    kept = restore(path, backup)
    assert kept
    assert restore(path, kept / "q.db") == tmp_path / "q.db-replaced-2"
    assert names_in(path) == {"first", "later"}


def test_what_is_no_regular_file_is_not_restored(tmp_path: Path) -> None:
    path = make(tmp_path / "q.db", "first")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for source in (tmp_path / "pipe", tmp_path / "link", Path("/dev/zero"), tmp_path):
        with pytest.raises(ConfigError, match=f"^{source} is no regular file"):
            restore(path, source)
    assert names_in(path) == {"first"}
    assert others(tmp_path) == {"pipe", "link"}


async def pause(store: Store, name: str, pause: Pause | None) -> None:
    """Pause a queue, or resume it."""
    queue = await store.write(queues.Find("e", name))
    await store.write(queues.Update("e", queue.spec, "ann", pause, None))


def test_what_is_restored_waits_until_somebody_resumes_its_queue(tmp_path: Path) -> None:
    path, backup = make(tmp_path / "q.db", "first"), tmp_path / "backup.db"

    async def fill(store: Store) -> None:
        for name, until in (("own", None), ("ends", 1.0)):
            await store.queue(name)
            await pause(store, name, Pause(reason="own", by="ann", at=0.0, until=until))

    async def look(store: Store) -> None:
        paused = [
            (await store.write(queues.Find("e", each))).pause for each in ("q", "own", "ends")
        ]
        assert [each and (each.reason, each.by, each.until) for each in paused] == [
            (REASON, BY, None),
            ("own", "ann", None),
            (REASON, BY, None),
        ]
        assert await store.claim() is None
        await pause(store, "q", None)
        assert (await store.claimed()).item.name == "first"

    with_store(path, fill)
    back_up(path, backup)
    restore(path, backup)
    with_store(path, look)


def test_no_claim_that_was_given_before_a_restore_counts_after_it(tmp_path: Path) -> None:
    path, backup = make(tmp_path / "q.db", "first"), tmp_path / "backup.db"
    before: list[Claim] = []

    async def claim(store: Store) -> None:
        before.append(await store.claimed("a"))

    async def claim_again(store: Store) -> None:
        await pause(store, "q", None)
        claim = await store.claimed("b")
        with pytest.raises(LeaseLost):
            await store.report(before[0], ItemState.RUNNING)
        await store.report(claim, ItemState.RUNNING)

    back_up(path, backup)
    with_store(path, claim)
    restore(path, backup)
    with_store(path, claim_again)


def test_what_was_claimed_and_had_no_run_waits_again_after_a_restore(tmp_path: Path) -> None:
    path, backup = make(tmp_path / "q.db", "begun", "claimed"), tmp_path / "backup.db"

    async def claim(store: Store) -> None:
        begun = await store.claimed("a")
        await store.report(begun, ItemState.SUBMITTING, ref="here/1", site="here")
        await store.claimed("a")

    async def look(store: Store) -> None:
        waits = await store.item("claimed")
        assert (waits.state, waits.agent, waits.message) == (ItemState.QUEUED, None, REASON)
        await store.write(agents.Forget("e", "a", dead=True))
        assert (await store.claimed("b")).item.name == "begun"
        assert await store.claim("b") is None

    with_store(path, claim)
    back_up(path, backup)
    restore(path, backup)
    with_store(path, look)


def test_a_backup_of_a_queue_that_has_moved_is_restored_as_it_is(tmp_path: Path) -> None:
    path, backup = make(tmp_path / "q.db", "first"), tmp_path / "backup.db"
    freeze(path, "postgresql://elsewhere/q")
    back_up(path, backup)
    restore(path, backup)
    assert names_in(path) == {"first"}


def test_a_copy_that_was_put_beside_the_wal_by_hand_is_restored_after_all(tmp_path: Path) -> None:
    path, backup = make(tmp_path / "q.db", "first"), tmp_path / "backup.db"
    back_up(path, backup)
    killed(path)
    shutil.copy(backup, path)
    with pytest.raises(Unreachable, match="changes of another file"):
        prepare(path)
    kept = restore(path, backup)
    assert names_in(path) == {"first"}
    assert kept
    assert (kept / "q.db-wal").stat().st_size


def test_a_restore_where_no_file_is_left_needs_nothing_to_replace(tmp_path: Path) -> None:
    path, backup = make(tmp_path / "q.db", "first"), tmp_path / "backup.db"
    back_up(path, backup)
    path.unlink()
    assert restore(path, backup) is None
    assert names_in(path) == {"first"}


def test_a_link_to_the_store_goes_on_to_lead_to_it(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    path = make(tmp_path / "disk" / "q.db", "first")
    (tmp_path / "link.db").symlink_to(path)
    back_up(tmp_path / "link.db", tmp_path / "backup.db")
    crash(path, "later")
    restore(tmp_path / "link.db", tmp_path / "backup.db")
    assert (tmp_path / "link.db").is_symlink()
    assert names_in(path) == {"first"}


async def test_a_store_in_use_is_not_replaced(tmp_path: Path) -> None:
    path, backup = tmp_path / "q.db", tmp_path / "backup.db"
    await anyio.to_thread.run_sync(make, path)
    back_up(path, backup)
    with writing(path, "a") as journal:
        await stored(journal, 1)
        with pytest.raises(Conflict, match="in use") as error:
            restore(path, backup)
        assert "launchkit agents" in str(error.value.hint)
        more = len(await stored(journal, 1)) + 10
        await stored(journal, more)
    assert others(tmp_path) == {"backup.db", "journal", "q.db-wal", "q.db-shm"}


def test_a_restore_that_is_killed_at_any_step_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    original, backup = make(tmp_path / "original" / "q.db", "first"), tmp_path / "backup.db"
    back_up(original, backup)
    crash(original, "later")
    results = []
    for step in itertools.count(1):
        path = tmp_path / str(step) / "q.db"
        shutil.copytree(original.parent, path.parent)
        command = [sys.executable, "-c", DIES, str(path), str(backup), str(step)]
        code = subprocess.run(command, check=False).returncode
        results.append(names_in(path))
        kept = path.with_name("q.db-replaced-1")
        assert results[-1] != {"first"} or names_in(kept / "q.db") == {"first", "later"}
        if code == 0:
            break
        assert code == -signal.SIGKILL
    turn = results.index({"first"})
    assert turn > 3
    assert len(results) - turn > 3
    assert results == [{"first", "later"}] * turn + [{"first"}] * (len(results) - turn)


def test_a_restore_onto_a_full_disk_leaves_the_old(tmp_path: Path, small_disk: Path) -> None:
    path = make(small_disk / "q.db", "first")
    backup = make(tmp_path / "big.db", *(f"launch-{number}" for number in range(300)))
    fill(small_disk / "ballast")
    with pytest.raises(Unreachable, match=r"full|No space"):
        restore(path, backup)
    (small_disk / "ballast").unlink()
    assert names_in(path) == {"first"}
    assert others(small_disk) == set()


def garbage(path: Path) -> None:
    path.write_bytes(os.urandom(20_000))


def of_another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table theirs (x)")
        connection.execute("pragma user_version = 1")


def newer(path: Path) -> None:
    make(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma user_version = 999")


def damaged(path: Path) -> None:
    damage(make(path, *(f"launch-{number}" for number in range(50))))


def cut_short(path: Path) -> None:
    make(path, *(f"launch-{number}" for number in range(50)))
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize(
    ("write", "kind", "says"),
    [
        (garbage, ConfigError, "no queue of launchkit's"),
        (Path.touch, ConfigError, "no queue of launchkit's"),
        (of_another_program, ConfigError, "no queue of launchkit's"),
        (newer, ConfigError, "made by a newer launchkit: its schema is 999"),
        (damaged, QueueError, "damaged"),
        (cut_short, QueueError, "damaged"),
    ],
)
def test_what_is_no_sound_backup_replaces_nothing(
    write: object, kind: type[LaunchkitError], says: str, tmp_path: Path
) -> None:
    path = make(tmp_path / "q.db", "first")
    write(tmp_path / "backup.db")  # type: ignore[operator]
    with pytest.raises(kind, match=says):
        restore(path, tmp_path / "backup.db")
    assert names_in(path) == {"first"}
    assert not [name for name in others(tmp_path) if name.startswith("q.db")]


async def test_who_waits_to_open_the_store_opens_what_a_restore_decided(tmp_path: Path) -> None:
    path, folder = tmp_path / "q.db", tmp_path / "q.db-restoring"
    await anyio.to_thread.run_sync(make, path, "old")
    folder.mkdir()
    await anyio.to_thread.run_sync(make, folder / "new", "new")
    path.unlink()  # the step at which there is no file
    await anyio.to_thread.run_sync(back_up, path, tmp_path / "backup.db")
    assert names_of_backup(tmp_path / "backup.db") == {"new"}
    assert await anyio.to_thread.run_sync(names_in, path) == {"new"}
    assert not folder.exists()


def test_a_backup_that_is_not_there_or_is_the_store_itself_is_told_of(tmp_path: Path) -> None:
    path = make(tmp_path / "q.db", "first")
    with pytest.raises(Unreachable, match="No such file"):
        restore(path, tmp_path / "backup.db")
    with pytest.raises(Conflict, match="the queue's file itself"):
        restore(path, path)
    assert names_in(path) == {"first"}
