"""From a command to the queue and back: the one place where the event loop is started."""

import functools
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Concatenate, ParamSpec, TypeVar

import anyio

from launchkit.cli.absent import Absent, queue_url
from launchkit.cli.options import chosen, say
from launchkit.client import Client, connect
from launchkit.errors import unwrapped
from launchkit.settings import unread_choices

P = ParamSpec("P")
T = TypeVar("T")


def run(main: Callable[[], Awaitable[T]]) -> T:
    """Run an async function from start to end."""
    with unwrapped():
        return anyio.run(main)


@asynccontextmanager
async def connected(entity: str | None = None, *, url: str | None = None) -> AsyncIterator[Client]:
    """A client for the queue and the entity that the user chose; *entity* holds where the command
    line names none, and *url* is opened in place of the queue.
    """
    entity = chosen("entity") or entity
    given = {"backend": chosen("backend"), "entity": entity}
    for warning in unread_choices(chosen("config"), os.environ, given):
        say(f"warning: {warning}")
    async with connect(url or chosen("backend"), entity=entity, config=chosen("config")) as client:
        yield client


def with_client(
    command: Callable[Concatenate[Client, P], Awaitable[T]],
) -> Callable[P, T]:
    """Make an async function that wants a client into one that a command line can call. It changes
    or follows what is there: a SQLite file that is not there is an error.
    """
    return _called(command, Absent.REFUSED)


def with_reader(
    command: Callable[Concatenate[Client, P], Awaitable[T]],
) -> Callable[P, T]:
    """The same for one that only looks: there is nothing yet in a queue that nobody named."""
    return _called(command, Absent.EMPTY)


def with_maker(
    command: Callable[Concatenate[Client, P], Awaitable[T]],
) -> Callable[P, T]:
    """The same for one with which a queue may begin: a SQLite file that is not there is made."""
    return _called(command, Absent.MADE)


def _called(
    command: Callable[Concatenate[Client, P], Awaitable[T]], absent: Absent
) -> Callable[P, T]:
    @functools.wraps(command)
    def called(*args: P.args, **kwargs: P.kwargs) -> T:
        with queue_url(absent) as url:

            async def main() -> T:
                async with connected(url=url) as client:
                    return await command(client, *args, **kwargs)

            return run(main)

    return called
