"""From a command to the queue and back: the one place where the event loop is started."""

import functools
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Concatenate, ParamSpec, TypeVar

import anyio

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
async def connected(entity: str | None = None) -> AsyncIterator[Client]:
    """A client for the queue and the entity that the user chose; *entity* holds where the command
    line names none.
    """
    entity = chosen("entity") or entity
    given = {"backend": chosen("backend"), "entity": entity}
    for warning in unread_choices(chosen("config"), os.environ, given):
        say(f"warning: {warning}")
    async with connect(chosen("backend"), entity=entity, config=chosen("config")) as client:
        yield client


def with_client(
    command: Callable[Concatenate[Client, P], Awaitable[T]],
) -> Callable[P, T]:
    """Make an async function that wants a client into one that a command line can call."""

    @functools.wraps(command)
    def called(*args: P.args, **kwargs: P.kwargs) -> T:
        async def main() -> T:
            async with connected() as client:
                return await command(client, *args, **kwargs)

        return run(main)

    return called
