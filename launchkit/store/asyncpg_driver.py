"""The driver for PostgreSQL, which not everybody has: its connections and its errors."""

import socket
from contextlib import suppress
from functools import cache
from typing import Any
from uuid import UUID, uuid4

from launchkit.errors import PluginError

CLOSE_SECONDS = 5.0
KEEPALIVE = {
    "SO_KEEPALIVE": 1,
    "TCP_KEEPIDLE": 5,
    "TCP_KEEPINTVL": 5,
    "TCP_KEEPCNT": 2,
    "TCP_USER_TIMEOUT": 15_000,
}
"""Options of sockets, as far as the system has them: one whose other end says nothing, not even
that it is there, breaks within some 15 seconds.
"""
OWN_FAULT = ("22", "23", "54")
"""Classes of SQLSTATE in which the values of a statement are to blame."""
PASSING = ("08", "25006", "25P03", "40", "53", "55", "57", "58")
"""Beginnings of SQLSTATE of what may be over soon: the connection, a server that only reads as yet,
an idle transaction, other transactions, want of room, locks, an operator, the disk.
See https://www.postgresql.org/docs/current/errcodes-appendix.html
"""


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
def watchful() -> Any:
    """The class of connections that notice when the other end is gone without a word."""

    class WatchfulConnection(driver().Connection):  # type: ignore[misc]
        """A connection with TCP's own signs of life, and a name as one that writes."""

        def __init__(self, protocol: Any, transport: Any, *args: Any) -> None:
            super().__init__(protocol, transport, *args)
            self.writer = uuid4()
            keep_alive(transport.get_extra_info("socket"))

        async def close(self, *, timeout: float | None = None) -> None:
            """Close it; one that does not answer is cut off, which is no error."""
            with suppress(*lost()):
                await super().close(timeout=timeout or CLOSE_SECONDS)

    return WatchfulConnection


def keep_alive(connection: socket.socket) -> None:
    """Give a TCP connection signs of life."""
    if connection.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    for name, value in KEEPALIVE.items():
        if (option := getattr(socket, name, None)) is not None:
            level = socket.SOL_SOCKET if name.startswith("SO_") else socket.IPPROTO_TCP
            connection.setsockopt(level, option, value)


def writer_of(connection: Any) -> UUID:
    """The name that a connection has as one that writes; no other ever has it."""
    name: UUID = connection.writer
    return name


def cut(connection: Any) -> None:
    """Lose a connection that gives no answer; one of a pool may be lost already."""
    with suppress(driver().InterfaceError):
        connection.terminate()


def cut_unended(connection: Any) -> None:
    """Lose a connection with a transaction whose end was cancelled: the driver, which has it back,
    would call that an error of the program.
    """
    with suppress(driver().InterfaceError):
        if connection.is_in_transaction():
            connection.terminate()


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


def passes(exc: Exception) -> bool:
    """Whether what went wrong may be over soon, so that it is worth another try."""
    if own_fault(exc):
        return isinstance(exc, driver().UniqueViolationError)  # somebody else was as quick
    return isinstance(exc, lost()) or state_of(exc).startswith(PASSING)


def own_fault(exc: Exception) -> bool:
    """Whether what was given is to blame, and no other time will do."""
    return isinstance(exc, ValueError) or state_of(exc).startswith(OWN_FAULT)


def state_of(exc: BaseException) -> str:
    """The SQLSTATE of an error; empty if it has none."""
    return getattr(exc, "sqlstate", None) or ""
