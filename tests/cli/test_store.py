"""`launchkit store`: upgrades, and a queue that moves from a file to PostgreSQL."""

from pathlib import Path

import anyio
import asyncpg
import pytest
from cli.conftest import Program
from postgres import Postgres


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
    assert "is up to date, schema 2" in program("store", "migrate").stderr
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
