"""From a URL to the database that it names."""

from collections.abc import Callable

from launchkit.errors import ConfigError
from launchkit.store.database import PATIENCE_SECONDS, STATEMENT_SECONDS, Database
from launchkit.store.sqlite import SqliteDatabase
from launchkit.store.sqlite_file import file_of


def database_of(
    url: str,
    clock: Callable[[], float] | None = None,
    *,
    direct: str | None = None,
    patience: float = PATIENCE_SECONDS,
    seconds: float = STATEMENT_SECONDS,
) -> Database:
    """The database that a URL names: `sqlite:///PATH` or `postgresql://…`. *direct* is the URL of
    the same database without the pooler that the first one leads to. One who asks a server that is
    away waits for it for *patience* seconds; each statement may take some *seconds*. The time is
    the server's, or that of *clock*.

    :raises ConfigError: if a URL names a database of another kind.
    """
    if url.startswith("sqlite:"):
        return SqliteDatabase(file_of(url), clock=clock, seconds=seconds)
    for one in filter(None, (url, direct)):
        _require_postgresql(one)
    from launchkit.store.postgres import PostgresDatabase

    return PostgresDatabase(url, clock=clock, direct=direct, patience=patience, seconds=seconds)


def _require_postgresql(url: str) -> None:
    if not url.startswith(("postgresql://", "postgres://")):
        from launchkit.addresses import masked_url

        raise ConfigError(
            f"{masked_url(url)} is the URL of no database that launchkit keeps queues in",
            hint="write sqlite:///PATH or postgresql://HOST/NAME",
        )
