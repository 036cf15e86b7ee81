"""Names for shell completion, from the queue itself: quickly, or not at all, and silently."""

import logging
import os
import re
import threading
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import anyio
import click

from launchkit.plain_text import visible_line

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

BUDGET_SECONDS = 0.2
"""How long a name is looked for: somebody waits for it with a finger on a key."""
LATEST = 50
"""So many launches are offered."""
_SAFE = re.compile(r"\w[\w.:@+/-]*")
"""What no shell does anything with, and what is no option."""


def queue_names(
    context: click.Context, _param: click.Parameter, word: str
) -> "list[CompletionItem]":
    """The queues."""
    from launchkit.client import Client

    async def look(client: Client) -> Iterable[tuple[str, str]]:
        return [(view.queue.name, view.queue.spec.resource) for view in await client.queues()]

    return _found(context, word, look)


def job_names(context: click.Context, _param: click.Parameter, word: str) -> "list[CompletionItem]":
    """The jobs; after a colon, aliases too."""
    from launchkit.client import Client

    async def look(client: Client) -> Iterable[tuple[str, str]]:
        name, colon, _ = word.partition(":")
        if not colon:
            return [(job.name, job.reference) for job in await client.jobs()]
        versions = await client.jobs(name)
        return [
            (f"{name}:{alias}", job.reference)
            for job in versions
            for alias in (f"v{job.version}", *job.aliases)
        ]

    return _found(context, word, look)


def launch_names(
    context: click.Context, _param: click.Parameter, word: str
) -> "list[CompletionItem]":
    """The latest launches, by id and by name."""
    from launchkit.client import Client

    async def look(client: Client) -> Iterable[tuple[str, str]]:
        items = [view.item for view in await client.launches(limit=LATEST)]
        named = [(item.spec.name, item.id) for item in items if item.spec.name]
        return [*((item.id, f"{item.name} {item.state}") for item in items), *named]

    return _found(context, word, look)


def agent_names(
    context: click.Context, _param: click.Parameter, word: str
) -> "list[CompletionItem]":
    """The agents that were seen lately."""
    from launchkit.client import Client

    async def look(client: Client) -> Iterable[tuple[str, str]]:
        return [(view.status.name, view.status.host) for view in await client.agents()]

    return _found(context, word, look)


def webhook_names(
    context: click.Context, _param: click.Parameter, word: str
) -> "list[CompletionItem]":
    """The webhooks of the entity."""

    def look() -> Iterable[tuple[str, str]]:
        from launchkit.cli.desk import desk
        from launchkit.store.webhooks import List

        with context.scope(cleanup=False):
            at = desk()
            webhooks = [view.webhook for view in at.do(List(at.entity))]
        return [(one.name, ", ".join(one.events)) for one in webhooks]

    return _in_time(word, look)


def _found(
    context: click.Context, word: str, look: "Callable[..., Awaitable[Iterable[tuple[str, str]]]]"
) -> "list[CompletionItem]":
    """What *look* finds in the queue that begins with *word*, if that answers in time."""

    async def main() -> Iterable[tuple[str, str]]:
        from launchkit.client import connect
        from launchkit.plugins import Plugins

        url, config = _place(context)
        if url is None:
            return ()
        entity = context.meta.get("launchkit.entity")
        async with connect(url, entity=entity, config=config, plugins=Plugins()) as client:
            return await look(client)

    return _in_time(word, partial(anyio.run, main))


def _in_time(word: str, look: Callable[[], Iterable[tuple[str, str]]]) -> "list[CompletionItem]":
    """What *look* finds in a thread of its own that begins with *word*, if it does in time."""
    from click.shell_completion import CompletionItem

    from launchkit.errors import LaunchkitError

    logging.disable()
    pairs: dict[str, str] = {}

    def work() -> None:
        with suppress(LaunchkitError, OSError):
            pairs.update(look())

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(BUDGET_SECONDS)
    if thread.is_alive():
        os._exit(0)  # what it waits for may last, and nobody will read the answer
    return [
        CompletionItem(n, help=visible_line(about))
        for n, about in pairs.items()
        if _offered(n, word)
    ]


def _offered(name: str, word: str) -> bool:
    """Whether it goes on with *word*. One that a shell or a terminal would heed is not offered:
    shells put what they are given into the line unquoted, where Enter runs it.
    """
    return name.startswith(word) and bool(_SAFE.fullmatch(name)) and name == visible_line(name)


def _place(context: click.Context) -> tuple[str | None, str | None]:
    """The queue's URL, or None if it is a file that does not exist yet; and the settings' file."""
    from launchkit.settings import load_settings
    from launchkit.store.sqlite_file import file_of

    config = context.meta.get("launchkit.config")
    flags = {"backend": context.meta.get("launchkit.backend")}
    url = load_settings(config, flags=flags, for_agent=False).settings.backend_url()
    if url.startswith("sqlite:") and not file_of(url).is_file():
        return None, config
    return url, config
