"""What all tests share, also those of the plugins: their conftest imports it."""

import os
import signal
from collections.abc import Iterator
from uuid import uuid4

import pytest
import python_image as python_image_file
from docker_engine import Engine
from postgres import Postgres, find_programs

# A shell that starts the tests in the background has them ignore it, and their children with them.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the developer's own settings and data."""
    home = tmp_path_factory.mktemp("home")
    for name in ("LAUNCHKIT_BACKEND", "LAUNCHKIT_CONFIG", "LAUNCHKIT_ENTITY", "WANDB_ENTITY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    for name, place in (
        ("CONFIG", ".config"),
        ("DATA", "data"),
        ("STATE", "state"),
        ("CACHE", "cache"),
    ):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / place))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL server, for all tests that need one."""
    programs = find_programs()
    if programs is None:
        assert "CI" not in os.environ, "PostgreSQL is not installed"
        pytest.skip("PostgreSQL's server is not installed")
    server = Postgres(programs)
    server.start()
    yield server
    server.remove()


@pytest.fixture
async def postgres_url(postgres: Postgres) -> str:
    """A URL of an empty schema of its own, upgraded to the current version."""
    import asyncpg

    from launchkit.store.postgres import migrate

    schema = f"test_{uuid4().hex}"
    connection = await asyncpg.connect(postgres.url)
    await connection.execute(f"create schema {schema}")
    await connection.close()
    url = f"{postgres.url}?search_path={schema}"
    await migrate(url)
    return url


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[Engine]:
    """A Docker Engine that answers."""
    with Engine() as engine:
        if not engine.answers():
            assert "CI" not in os.environ, "no Docker Engine answers"
            pytest.skip("no Docker Engine answers")
        yield engine


@pytest.fixture(scope="session")
def python_image(docker_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of the image that code for this Python is built on: the official one where the
    engine has it, else one like it.
    """
    if docker_engine.has(python_image_file.REF):
        yield python_image_file.REF
        return
    path = tmp_path_factory.mktemp("image") / "python.tar"
    python_image_file.write_image(path)
    docker_engine.load(path, python_image_file.REF)
    yield python_image_file.REF
    docker_engine.remove(python_image_file.REF)
