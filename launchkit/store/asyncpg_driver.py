"""The driver for PostgreSQL, which not everybody has, and its errors."""

from functools import cache
from typing import Any

from launchkit.errors import PluginError


@cache
def driver() -> Any:
    """The module. :raises PluginError: if it is not installed."""
    try:
        import asyncpg
    except ImportError as exc:
        raise PluginError(
            "the driver for PostgreSQL is not installed", hint="pip install 'launchkit[postgres]'"
        ) from exc
    return asyncpg


@cache
def lost() -> tuple[type[Exception], ...]:
    """The errors of a connection that is lost, or cannot be made now."""
    asyncpg = driver()
    return (
        OSError,
        TimeoutError,
        asyncpg.PostgresConnectionError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
        asyncpg.CannotConnectNowError,
        asyncpg.AdminShutdownError,
        asyncpg.CrashShutdownError,
        asyncpg.TooManyConnectionsError,
    )
