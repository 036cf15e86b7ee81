"""From a command to the queue and back: the one place where the event loop is started."""

import functools
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Concatenate, ParamSpec, TypeVar

import anyio
import click

from launchkit.cli.absent import Absent, with_its_file
from launchkit.cli.options import chosen, say
from launchkit.client import Client
from launchkit.client.opening import opened
from launchkit.client.own_task import in_own_task
from launchkit.errors import hiding, unwrapped
from launchkit.plugins import Plugins
from launchkit.settings import Loaded, load_settings, unread_choices

PYDANTIC_PLUGINS = "PYDANTIC_DISABLE_PLUGINS"

P = ParamSpec("P")
T = TypeVar("T")


def loaded_settings(
    plugins: Plugins | None = None,
    *,
    config: str | None = None,
    flags: Mapping[str, object] | None = None,
    for_agent: bool = True,
) -> Loaded:
    """The settings that the user chose, if need be with a *config* and *flags* of the command's
    own. No error that ends the command tells a secret of theirs.

    :raises ConfigError: naming all that is wrong.
    """
    flags = {"backend": chosen("backend"), "entity": chosen("entity"), **(flags or {})}
    loaded = load_settings(
        config or chosen("config"), flags=flags, plugins=plugins, for_agent=for_agent
    )
    click.get_current_context().meta["launchkit.hide"] = loaded.hide
    return loaded


def run(main: Callable[[], Awaitable[T]]) -> T:
    """Run an async function from start to end."""
    with unwrapped():
        return anyio.run(main)


@in_own_task
@asynccontextmanager
async def connected(
    entity: str | None = None, absent: Absent = Absent.MADE
) -> AsyncIterator[Client]:
    """A client for the queue and the entity that the user chose; *entity* holds where the command
    line names none, and *absent* says what is done where the queue is a file that is not there.
    """
    config, plugins = chosen("config"), Plugins()
    given = {"backend": chosen("backend"), "entity": chosen("entity") or entity}
    for warning in unread_choices(config, os.environ, given):
        say(f"warning: {warning}")
    with pydantic_alone():
        loaded = loaded_settings(plugins, flags=given, for_agent=False)
        with hiding(loaded.hide), with_its_file(loaded.settings, absent) as settings:
            async with opened(settings, plugins) as client:
                yield client


@contextmanager
def pydantic_alone() -> Iterator[None]:
    """Plugins of pydantic are not looked for meanwhile: that reads what each installed package says
    of itself, and takes a good part of the time of a short command.
    """
    if PYDANTIC_PLUGINS in os.environ:
        yield
        return
    os.environ[PYDANTIC_PLUGINS] = "__all__"
    try:
        yield
    finally:
        del os.environ[PYDANTIC_PLUGINS]


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
        async def main() -> T:
            async with connected(absent=absent) as client:
                return await command(client, *args, **kwargs)

        return run(main)

    return called
