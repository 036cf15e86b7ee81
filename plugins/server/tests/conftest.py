"""A real queue service on a real socket, in a thread of its own."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import anyio
import httpx
import pytest
import trustme
import uvicorn
from anyio.from_thread import BlockingPortal, start_blocking_portal
from launchkit_server.app import make_app
from launchkit_server.door import SILENT_SECONDS, Door
from launchkit_server.key_file import KeyFile
from launchkit_server.process import listening, served, url_of
from launchkit_server.service import Service
from starlette.types import ASGIApp, Receive, Scope, Send
from surroundings import _own_home, anyio_backend, empty_schema, postgres
from waiting import PATIENCE

from launchkit.abc import Site
from launchkit.model import Secret
from launchkit.model.people import EVERYWHERE, PrincipalKind, Role
from launchkit.store.database import Database
from launchkit.store.opening import database_of
from launchkit.store.people import AddAccount, GrantRole
from launchkit.store.tokens import CreateToken
from launchkit.testing import VirtualClock, site_at

from .object_store import ObjectStore, object_store
from .places import NO_TLS
from .roles import bearer, made_for_roles

__all__ = ["_own_home", "anyio_backend", "postgres"]

PEOPLE = ("ann", "bob", "cat", "dan", "eve")


@dataclass(frozen=True)
class Served:
    """A queue service that answers, and the tokens of its people."""

    url: str
    database_url: str
    tokens: Mapping[str, Secret]
    service: Service
    portal: BlockingPortal | None = None
    """Into the service's own thread."""


@pytest.fixture(scope="module", name="served")
def served_to_a_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service for the tests of one file, with no other settings than the usual ones."""
    with served_with(Door(), tmp_path_factory.mktemp("served")) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path, anyio_backend: str) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/launchkit.db"
    with start_blocking_portal() as portal:
        return portal.call(empty_schema, request.getfixturevalue("postgres"))


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """An object store."""
    with object_store(tmp_path_factory.mktemp("s3")) as store:
        yield store


@pytest.fixture
def bucket(s3: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty bucket, which this process can reach."""
    for name, value in s3.env.items():
        monkeypatch.setenv(name, value)
    return s3.bucket(f"b{uuid4().hex}")


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@asynccontextmanager
async def serving(
    database_url: str,
    clock: Callable[[], float],
    door: Door | None = None,
    silent_seconds: float = SILENT_SECONDS,
    patience: float = PATIENCE,
    **options: Any,
) -> AsyncIterator[Served]:
    database = database_of(database_url, clock, patience=patience)
    with TemporaryDirectory() as folder:
        service = Service(database=database, webhook_key=key_in(Path(folder)), **options)
        async with (
            database.opened(),
            served(service, listening("127.0.0.1", 0, silent_seconds), door) as url,
        ):
            tokens = {name: await administrator(database, name) for name in PEOPLE}
            yield Served(url, database_url, tokens, service)


def key_in(folder: Path) -> KeyFile:
    """The key of the service that keeps its data in *folder*."""
    return KeyFile(folder / "webhooks.key")


def nowhere() -> Service:
    """A service that has nothing, whose routes can be looked at."""
    path = Path("/nowhere")
    return Service(database=database_of(f"sqlite:///{path}"), webhook_key=key_in(path))


class Alternating:
    """Gives each request to the next of some applications, as a balancer does."""

    def __init__(self, apps: Sequence[ASGIApp]) -> None:
        self._next = cycle(apps)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await next(self._next)(scope, receive, send)


@asynccontextmanager
async def replicas(database_url: str, clock: Callable[[], float]) -> AsyncIterator[Served]:
    """Two services that share nothing but the database and the key, behind one address."""
    async with AsyncExitStack() as stack:
        key = key_in(Path(stack.enter_context(TemporaryDirectory())))
        services = []
        for _ in range(2):
            database = database_of(database_url, clock)
            await stack.enter_async_context(database.opened())
            services.append(Service(database=database, webhook_key=key))
        config = uvicorn.Config(
            Alternating([make_app(one) for one in services]), lifespan="off", log_config=None
        )
        server, made = uvicorn.Server(config), listening("127.0.0.1", 0)
        tasks = await stack.enter_async_context(anyio.create_task_group())
        tasks.start_soon(server.serve, [made])
        people = {name: await administrator(services[0].database, name) for name in PEOPLE}
        try:
            yield Served(url_of(made), database_url, people, services[0])
        finally:
            server.should_exit = True
            for one in services:
                one.hand_back()


async def administrator(database: Database, name: str) -> Secret:
    """A token of a new administrator."""
    await database.write(AddAccount(name, PrincipalKind.USER, "test"))
    await database.write(GrantRole(name, EVERYWHERE, Role.ADMIN, "test"))
    return (await database.write(CreateToken(name, "test"))).secret


@pytest.fixture
def server(database_url: str, clock: VirtualClock) -> Iterator[Served]:
    """A queue service over an empty database."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(serving(database_url, clock)) as served,
    ):
        yield served


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with site_at(tmp_path / "site") as site:
        yield site


@contextmanager
def served_over(database_url: str, **options: Any) -> Iterator[Served]:
    """A queue service over a database that is there."""
    context = serving(database_url, VirtualClock(), **options)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(context) as served:
        yield replace(served, portal=portal)


@contextmanager
def served_with(door: Door, folder: Path, **options: Any) -> Iterator[Served]:
    """A queue service over an SQLite file that is reached through *door*."""
    with served_over(f"sqlite:///{folder}/launchkit.db", door=door, **options) as served:
        yield served


def client_of(served: Served, who: str = "ann", **options: Any) -> httpx.Client:
    """A client with the token of one of the people."""
    headers = bearer(served.tokens[who])
    options = {"verify": NO_TLS, **options}
    return httpx.Client(base_url=served.url, headers=headers, timeout=PATIENCE, **options)


@pytest.fixture(params=["http", "https"])
def door(request: pytest.FixtureRequest, tmp_path: Path) -> Door:
    """The usual settings of a service, without TLS and with it."""
    if request.param == "http":
        return Door()
    made = trustme.CA().issue_cert("127.0.0.1")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made.private_key_pem.write_to_path(key)
    for pem in made.cert_chain_pems:
        pem.write_to_path(cert, append=True)
    return Door(tls_cert=cert, tls_key=key)


@pytest.fixture
def tokens(server: Served) -> Mapping[str, Secret]:
    """A token for each role at `server`, by its name."""
    with start_blocking_portal() as portal:
        return portal.call(made_for_roles, server.database_url)


@pytest.fixture
def client(server: Served) -> Iterator[httpx.Client]:
    """Asks `server` without a token of its own."""
    with httpx.Client(base_url=server.url, timeout=PATIENCE, verify=NO_TLS) as client:
        yield client
