"""A store whose statements can be bent, and the suites for what is made of it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, ClassVar, TypeVar, cast

import pytest

from launchkit.abc import Hub, QueueBackend, Site
from launchkit.store.backend import StoreBackend
from launchkit.store.database import Body, Database, Row, Tx, statements
from launchkit.store.hub import StoreHub
from launchkit.store.sqlite_worker import SqliteTx
from launchkit.testing import HubContract, QueueBackendContract, VirtualClock, started
from launchkit.testing.contracts.service import Advance

T = TypeVar("T")
Values = dict[str, Any]
Bend = Callable[[SqliteTx, str, Values], Awaitable[Sequence[Row]]]
STATEMENTS = statements("core", "sqlite")


class BentDatabase(Database):
    """A SQLite file some of whose statements do something else."""

    def __init__(self, inner: Database, bends: Mapping[str, Bend]) -> None:
        self.topics = inner.topics
        self._inner = inner
        self._bends = bends

    def opened(self) -> AbstractAsyncContextManager[None]:
        return self._inner.opened()

    async def write(self, body: Body[T]) -> T:
        return await self._inner.write(self._bent(body))

    async def read(self, body: Body[T]) -> T:
        return await self._inner.read(self._bent(body))

    async def execute(self, sql: str, **values: object) -> Sequence[Row]:
        async def body(tx: Tx) -> Sequence[Row]:
            return execute(cast("SqliteTx", tx), sql, values)

        return await self._inner.write(body)

    def _bent(self, body: Body[T]) -> Body[T]:
        async def bent(tx: Tx) -> T:
            return await body(_BentTx(cast("SqliteTx", tx), self._bends))

        return bent


class _BentTx(Tx):
    def __init__(self, inner: SqliteTx, bends: Mapping[str, Bend]) -> None:
        super().__init__(inner.now)
        self.topics = inner.topics
        self._inner = inner
        self._bends = bends

    async def all(self, statement: str, /, **values: object) -> Sequence[Row]:
        if bend := self._bends.get(statement):
            return await bend(self._inner, statement, values)
        return await self._inner.all(statement, **values)


def execute(tx: SqliteTx, sql: str, values: Mapping[str, object]) -> Sequence[Row]:
    """Run any SQL in a transaction."""
    return tx._connection.execute(sql, {"now": tx.now, **values}).fetchall()


def sql(old: str, new: str) -> Bend:
    """The statement with another text in the place of *old*."""

    async def bend(tx: SqliteTx, statement: str, values: Values) -> Sequence[Row]:
        assert old in STATEMENTS[statement], f"{statement} has no {old!r}"
        return execute(tx, STATEMENTS[statement].replace(old, new), values)

    return bend


def given(**fields: object) -> Bend:
    """The statement with other values; a function gets the one that it had."""

    async def bend(tx: SqliteTx, statement: str, values: Values) -> Sequence[Row]:
        others = {
            name: field(values[name]) if callable(field) else field
            for name, field in fields.items()
        }
        return await tx.all(statement, **values | others)

    return bend


def rows(**fields: object) -> Bend:
    """The statement, whose rows have other values; a function gets the one that it had."""

    async def bend(tx: SqliteTx, statement: str, values: Values) -> Sequence[Row]:
        return [
            dict(row) | {name: f(row[name]) if callable(f) else f for name, f in fields.items()}
            for row in await tx.all(statement, **values)
        ]

    return bend


def unless(kept: Callable[[Values], bool]) -> Bend:
    """The statement, which is left out for values of which *kept* is false."""

    async def bend(tx: SqliteTx, statement: str, values: Values) -> Sequence[Row]:
        return await tx.all(statement, **values) if kept(values) else []

    return bend


nothing = unless(lambda values: False)


class OnTheStore:
    """The fixtures of both suites, for classes that are nearly those of the store."""

    patience = 5.0
    backend_class: ClassVar[type[StoreBackend]] = StoreBackend
    hub_class: ClassVar[type[StoreHub]] = StoreHub
    backend_bends: ClassVar[Mapping[str, Bend]] = {}
    hub_bends: ClassVar[Mapping[str, Bend]] = {}

    @pytest.fixture
    def clock(self) -> VirtualClock:
        return VirtualClock()

    @pytest.fixture
    def advance(self, clock: VirtualClock) -> Advance:
        async def advance(seconds: float) -> None:
            clock.advance(seconds)

        return advance

    @pytest.fixture
    async def hub(self, tmp_path: Path, site: Site, clock: VirtualClock) -> AsyncIterator[Hub]:
        made = self.hub_class(url=f"sqlite:///{tmp_path}/store.db", entity="test")
        made.clock = clock
        async with started(made, site) as hub:
            hub._database = BentDatabase(hub._database, self.hub_bends)
            yield hub


class BackendSuite(OnTheStore, QueueBackendContract):
    """A backend and a hub of one file."""

    @pytest.fixture
    async def backend(
        self, tmp_path: Path, site: Site, clock: VirtualClock
    ) -> AsyncIterator[QueueBackend]:
        made = self.backend_class(url=f"sqlite:///{tmp_path}/store.db", entity="test")
        made.clock = clock
        async with started(made, site) as backend:
            backend._database = BentDatabase(backend._database, self.backend_bends)
            yield backend


class HubSuite(OnTheStore, HubContract):
    """A hub alone."""
