"""What all tests share, also those of the plugins: their conftest imports it."""

import signal
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import hypothesis
import pytest
import python_image as python_image_file
from docker_engine import Engine
from mounts import Mount, SmallDisk, mount, unmount
from postgres import Postgres, served
from services import skip_if_hidden, skip_without
from trustme import CA

from launchkit.catalogue import PACKAGES

# How long an example takes tells of the machine, and fails no test.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")

# A shell that starts the tests in the background has them ignore it, and their children with them.
signal.signal(signal.SIGINT, signal.default_int_handler)


AUTHORITY = CA().cert_pem.bytes()
"""Knows nobody, and is read in no time: clients of HTTP read all authorities that they trust."""


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the developer's own settings and data, or trusts whom they do."""
    home = tmp_path_factory.mktemp("home")
    (home / "authority.pem").write_bytes(AUTHORITY)
    for name in ("SSL_CERT_DIR", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(home / "authority.pem"))
    names = ("BACKEND", "CONFIG", "ENTITY", "TOKEN", "TOKEN_FILE")
    for name in ("WANDB_ENTITY", *(f"LAUNCHKIT_{name}" for name in names)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    for name, place in (
        ("CONFIG", ".config"),
        ("DATA", "data"),
        ("STATE", "state"),
        ("CACHE", "cache"),
    ):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / place))


@pytest.fixture
def moon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a package that is not installed it is known that it offers an environment and a registry
    `moon`.
    """
    for seam in ("environment", "registry"):
        monkeypatch.setitem(PACKAGES[seam], "moon", "launchkit-moon")  # type: ignore[arg-type] # a dict


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL server, for all tests that need one."""
    with served() as server:
        yield server


@pytest.fixture
async def postgres_url(postgres: Postgres) -> str:
    """A URL of an empty schema of its own, upgraded to the current version."""
    return await empty_schema(postgres)


async def empty_schema(postgres: Postgres) -> str:
    """Make an empty schema, upgraded to the current version; gives its URL."""
    import asyncpg

    from launchkit.store.connecting import migrate

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
    skip_if_hidden("docker")
    with Engine() as engine:
        if not engine.answers():
            skip_without("a Docker Engine that answers")
        yield engine


@pytest.fixture(scope="session")
def python_image(docker_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of the image that code for this Python is built on: the official one where the
    engine has it, else one like it.
    """
    with python_image_file.available(docker_engine, tmp_path_factory.mktemp("image")) as name:
        yield name


@pytest.fixture
def mounted() -> Iterator[Mount]:
    """Mounts what a test needs, for as long as the test."""
    places: list[Path] = []

    def mount_for_a_test(*args: object) -> None:
        if not mount(*args):
            skip_without("the right to mount a file system")
        places.append(Path(str(args[-1])))

    yield mount_for_a_test
    for place in places:
        unmount(place)


@pytest.fixture
def small_disk(tmp_path: Path, mounted: Mount) -> SmallDisk:
    """A file system of its own, which a test can fill."""
    path = tmp_path / "small-disk"
    path.mkdir()
    mounted("-t", "tmpfs", "-o", "size=1m", "tmpfs", path)
    return SmallDisk(path)
