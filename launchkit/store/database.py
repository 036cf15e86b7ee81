"""What the rules of the store need of a database: transactions, named statements, and topics."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from launchkit.store.orders import LISTED, variants
from launchkit.store.topics import StoreTopics

STATEMENT_SECONDS = 10.0
"""How long a connection to a server and a statement there may take: less than a lease lives."""
PATIENCE_SECONDS = 60.0
"""How long a lost database is waited for before the caller is told."""
READERS = 4
"""So many who may read much do so at once; the others wait, and are in nobody's way."""
TOO_MUCH_HINT = "ask for less, such as for one queue or a shorter time, or try again later"

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Row: TypeAlias = Mapping[str, Any]


class Tx(ABC):
    """One transaction. Its methods are awaited, so that the rules are written once for drivers
    that block (in a thread of their own) and for those that do not.

    A body may await nothing else.
    """

    now: float
    """Unix time of the transaction, from the store's clock."""
    lasts = True
    """Whether what is locked in it is so until its end; else nothing is to be locked: it reads, or
    each statement is one by itself.
    """

    def __init__(self, now: float) -> None:
        self.now = now
        self.topics: set[str] = set()

    @abstractmethod
    async def all(self, statement: str, /, **values: object) -> Sequence[Row]:
        """Run the statement of that name; give its rows."""

    async def one(self, statement: str, /, **values: object) -> Row | None:
        """Run the statement of that name; give its first row, if any."""
        rows = await self.all(statement, **values)
        return rows[0] if rows else None

    async def row(self, statement: str, /, **values: object) -> Row:
        """Run a statement that always gives a row; give the first."""
        return (await self.all(statement, **values))[0]

    def publish(self, *topics: str) -> None:
        """Wake those who wait for one of *topics* once this transaction is committed."""
        self.topics.update(topics)


class Body(Protocol[T_co]):
    """What is done in a transaction. Those of the store are tuples with names: there are many, and
    a dataclass takes five times as long to make, which short commands would spend on it.
    """

    def __call__(self, tx: Tx, /) -> Awaitable[T_co]:
        """Do it."""


class AtOnce(ABC, Generic[T]):
    """A body that a database with slow round trips may run as one statement of its own instead."""

    statement: ClassVar[str]

    @abstractmethod
    def values(self, now: float) -> Mapping[str, object]:
        """The values of the statement."""

    @abstractmethod
    def answer(self, row: Row | None) -> "Answer[T] | None":
        """What the body would have given; None if the body must be run after all."""


@dataclass(frozen=True)
class Answer(Generic[T]):
    """The result of a body, and the topics that it rings."""

    result: T
    topics: Sequence[str]


class After(NamedTuple, Generic[T]):
    """A body that is run after another one, in the same transaction; what a database runs as one
    statement of its own comes right after it.
    """

    first: Body[object]
    body: Body[T]

    async def __call__(self, tx: Tx) -> T:
        await self.first(tx)
        return await self.body(tx)


class Loose:
    """A body that reads, and whose statements need not see the same moment: a database with slow
    round trips may run each by itself.
    """


class Database(ABC):
    """Runs transaction bodies, and wakes those who wait for what they change."""

    topics: StoreTopics

    @property
    def skew(self) -> float:
        """Seconds by which the database's clock is ahead of this machine's."""
        return 0.0

    @abstractmethod
    async def write(self, body: Body[T]) -> T:
        """Run *body* in a transaction that may write; commit, then ring its topics.

        :raises Unreachable: if the database cannot be reached or written now.
        """

    @abstractmethod
    async def read(self, body: Body[T], *, prompt: bool = False) -> T:
        """Run *body* on a consistent snapshot. One that reads little, by keys, may be *prompt*: it
        waits for none of those that may read much, of which a few run at once, each for a time.

        :raises Unreachable: if the database cannot be reached now, or reading takes too long.
        """

    @abstractmethod
    def opened(self) -> AbstractAsyncContextManager[None]:
        """Open the database, upgraded to this version, for the time of the context."""


def statements(*names: str) -> Mapping[str, str]:
    """The statements in `queries/NAME.sql`, each under the name in its `-- name:` line; for one
    with `{order}` in it those of `launchkit.store.orders`, whose `{listed}` are columns.
    """
    found: dict[str, str] = {}
    for name in names:
        text = files("launchkit.store").joinpath("queries", f"{name}.sql").read_text("utf-8")
        for part in text.split("-- name: ")[1:]:
            title, _, body = part.partition("\n")
            if "{order}" in body:
                found.update(variants(title.strip(), body))
            else:
                found[title.strip()] = body.strip().replace("{listed}", LISTED)
    return found


def migrations(dialect: str) -> Sequence[str]:
    """The scripts in `migrations/DIALECT`, in the order of their numbers."""
    folder = files("launchkit.store").joinpath("migrations", dialect)
    scripts = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return [script.read_text("utf-8") for script in scripts]
