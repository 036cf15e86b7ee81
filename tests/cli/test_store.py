"""`launchkit store`: upgrades, backups, and a queue that moves from a file to PostgreSQL."""

import subprocess
from pathlib import Path

import anyio
import asyncpg
import pytest
from cli.conftest import Program
from cli.test_agent import running
from postgres import Postgres
from waiting import PATIENCE

from launchkit.store.database import migrations

pytestmark = pytest.mark.long


@pytest.fixture
def empty(postgres: Postgres) -> str:
    """The URL of a schema without tables."""

    async def make(schema: str) -> None:
        connection = await asyncpg.connect(postgres.url)
        await connection.execute(f"drop schema if exists {schema} cascade")
        await connection.execute(f"create schema {schema}")
        await connection.close()

    anyio.run(make, "cli")
    return f"{postgres.url}?search_path=cli"


def test_a_database_is_upgraded_by_command(
    program: Program, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAUNCHKIT_BACKEND", empty)
    assert "launchkit store migrate" in program("ls", code=3).stderr
    newest = len(migrations("postgres"))
    assert f"is up to date, schema {newest}" in program("store", "migrate").stderr
    program("ls")


def test_a_file_needs_no_upgrade(program: Program) -> None:
    assert "is up to date" in program("store", "migrate").stderr


def test_another_kind_of_backend_has_no_schema(program: Program) -> None:
    assert (
        "only SQLite and PostgreSQL"
        in program("store", "migrate", "--backend", "https://queue.example.com", code=3).stderr
    )


def test_a_queue_moves_and_its_launches_run_in_the_new_place(
    queue: Program, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = queue.launch("print('moved')")
    queue("store", "migrate", "--backend", empty)
    source = f"sqlite:///{queue.folder}/queue.db"
    assert "1 queue, 1 item" in queue("store", "copy", source, empty).stderr
    assert "has moved to" in queue("queue", "pause", "q", "--reason", "x", code=7).stderr
    monkeypatch.setenv("LAUNCHKIT_BACKEND", empty)
    queue.work()
    assert queue.out("logs", item) == "moved\n"


def test_a_target_that_is_no_database_is_refused(queue: Program, tmp_path: Path) -> None:
    source = f"sqlite:///{queue.folder}/queue.db"
    says = queue("store", "copy", source, f"sqlite:///{tmp_path}/y.db", code=3).stderr
    assert "postgresql://" in says


def finish(queue: Program) -> None:
    """Work off the queue with an agent that is a process of its own."""
    agent = queue.start("agent", "-q", "q", "-j", "-1", "--exit-when-idle")
    said = agent.communicate(timeout=PATIENCE)[1]
    assert agent.returncode == 0, said


def test_a_restore_finds_the_run_that_a_killed_agent_left(queue: Program) -> None:
    agent, gate, run = running(queue)
    assert "is backed up in day.db" in queue("store", "backup", "day.db").stderr
    later = queue.launch("print('later')")
    assert "is in use" in queue("store", "restore", "day.db", code=6).stderr
    agent.kill()
    agent.communicate()
    assert Path("queue.db-wal").stat().st_size
    assert "queue.db-replaced-1" in queue("store", "restore", "day.db").stderr
    queue("show", later, code=5)
    gate.touch()
    finish(queue)
    assert queue.data("show", run)["state"] == "finished"
    assert queue.out("logs", run) == "end\n"


def stop(agent: "subprocess.Popen[str]") -> None:
    agent.terminate()
    agent.communicate(timeout=PATIENCE)


def test_what_was_run_after_the_backup_is_not_run_again_here_but_its_end_is_lost(
    queue: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAUNCHKIT_LEASE_SECONDS", "2")
    agent, gate, run = running(queue)
    mark = queue.folder / "mark"
    waits = queue.launch(f"open({str(mark)!r}, 'a').write('x')")
    queue("store", "backup", "day.db")
    gate.touch()
    queue("wait", run, waits)
    stop(agent)
    assert "its queues are paused" in queue("store", "restore", "day.db").stderr
    assert queue.data("show", waits)["state"] == "queued"
    queue("queue", "resume", "q")
    agent = queue.start("agent", "-q", "q")
    queue("wait", run, waits, code=1)
    stop(agent)
    verdicts = [queue.data("show", item)["verdict"]["code"] for item in (run, waits)]
    assert verdicts == ["run_lost", "submit_failed"]
    assert mark.read_text() == "x"


def test_a_backup_replaces_a_file_by_force_alone(queue: Program) -> None:
    queue("store", "backup", "day.db")
    assert "--force" in queue("store", "backup", "day.db", code=6).stderr
    queue("store", "backup", "--force", "day.db")


@pytest.mark.parametrize("words", [("backup", "new.db"), ("restore", "day.db")])
def test_a_database_of_postgresql_names_the_program_for_its_backups(
    queue: Program, words: tuple[str, str]
) -> None:
    queue("store", "backup", "day.db")
    url = "postgresql://me:secret@db.example.com/queue"
    says = queue("store", *words, "--backend", url, code=3).stderr
    assert {"backup": "pg_dump", "restore": "pg_restore"}[words[0]] in says
    assert "secret" not in says
    url = "https://queue.example.com"
    assert "only a SQLite file" in queue("store", *words, "--backend", url, code=3).stderr


def test_launches_that_ended_long_ago_are_removed(queue: Program) -> None:
    queue.launch("print('old')")
    queue.work()
    waits = queue.launch("print('waits')")
    assert "0 launches are removed" in queue("store", "prune", "--older-than", "30d").stderr
    assert "0 launches are removed" in queue("store", "prune", "--keep", "1").stderr
    assert "1 launches would go" in queue("store", "prune", "--keep", "0", "--dry-run").stderr
    assert len(queue.data("ls")) == 2
    assert "1 launches are removed" in queue("store", "prune", "--keep", "0").stderr
    assert [row["id"] for row in queue.data("ls")] == [waits]


def test_what_is_to_be_removed_must_be_said_and_be_in_a_database(queue: Program) -> None:
    assert "--older-than TIME or --keep N" in queue("store", "prune", code=2).stderr
    url = "https://queue.example.com"
    says = queue("store", "prune", "--keep", "1", "--backend", url, code=3).stderr
    assert "only a database" in says
