"""`launchkit ls`."""

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click

from launchkit.abc import SORTED, ItemView, Selection
from launchkit.cli.door import put
from launchkit.cli.launches import LAYOUT
from launchkit.cli.options import TABLES, common_options, duration, output_option, say
from launchkit.cli.output import as_json_line, in_pages, show_all
from launchkit.cli.present import event_data, item_data
from launchkit.cli.selecting import filter_options, queue_option, state_option
from launchkit.cli.session import with_client, with_reader
from launchkit.client import Client, LaunchHandle

MOST = 2**31 - 1
"""Launches in a list at most; with --all there is no limit."""
SORTS = ("launched", "queue", "author", "state", "priority", "waited", "ran")


@click.command()
@queue_option
@state_option
@filter_options
@click.option("--since", type=duration, metavar="TIME", help="Launched in the last 90, 15m, 2h.")
@click.option(
    "--sort",
    "order",
    type=click.Choice(SORTS),
    default="launched",
    show_default=True,
    callback=lambda _context, _param, word: "newest" if word == "launched" else word,
    help="By what.",
)
@click.option("--reverse", is_flag=True, help="The other way round.")
@click.option("--limit", type=click.IntRange(1, MOST), default=50, show_default=True, metavar="N")
@click.option("-a", "--all", "no_limit", is_flag=True, help="However many there are.")
@click.option("-w", "--watch", "watched", is_flag=True, help="Go on, and show each change.")
@output_option
@common_options
def ls(since: float | None, no_limit: bool, watched: bool, form: str, **wanted: Any) -> None:
    """List launches, newest first.

    --sort goes by queue, author or state, most urgent priority first, or what waited or ran
    longest first; so the newest 10,000 that match are sorted.

    --watch keeps the list on the terminal up to date; with -o jsonl it prints a line for each
    event of what it lists, from now on. Ctrl-C ends it.
    """
    if no_limit and watched:
        wanted["limit"] = sys.maxsize
    start = None if since is None else time.time() - since
    selection = Selection(since=start, **wanted)
    if not watched:
        (_list_all if no_limit else _list)(selection, form)
    elif form == "jsonl":
        _stream(selection)
    elif form in TABLES and sys.stdout.isatty():
        _live(selection)
    else:
        raise click.UsageError("--watch needs a terminal, or -o jsonl")


@with_reader
async def _list(client: Client, selection: Selection, form: str) -> None:
    await _require_queue(client, selection)
    limit = selection.limit
    more = replace(selection, limit=limit + 1)
    pages = client.hub.launches().pages(more)
    found = [item_data(view) async for page in pages for view in page]
    show_all(found[:limit], form, LAYOUT)
    if len(found) > limit:
        say(f"there are more, and the first {limit} are shown; see them all with -a")


@with_reader
async def _list_all(client: Client, selection: Selection, form: str) -> None:
    await _require_queue(client, selection)
    many = 0
    with in_pages(form, LAYOUT) as show:
        async for page in client.hub.launches().pages(replace(selection, limit=sys.maxsize)):
            show([item_data(view) for view in page])
            many += len(page)
    if selection.order != "newest" and many >= SORTED:
        say(f"the newest {SORTED} that match are sorted; see all with -a, without --sort")


@with_client
async def _stream(client: Client, selection: Selection) -> None:
    await _require_queue(client, selection)
    seen: dict[str, int] | None = None
    async for views in client.watch(selection):
        seen = await _print_news(client, views, seen)


async def _print_news(
    client: Client, views: Sequence[ItemView], seen: dict[str, int] | None
) -> dict[str, int]:
    """Print the events after those that were *seen* of each launch; gives what is seen now. None
    is the start: nothing is printed.
    """
    now: dict[str, int] = {}
    for view in reversed(views):
        item = view.item
        since = 0 if seen is None else seen.get(item.id, 0)
        events = await LaunchHandle(client, item).events(since)
        if seen is not None:
            for event in events:
                line = {"id": item.id, "name": item.name, "queue": item.queue, **event_data(event)}
                put(as_json_line(line))
        now[item.id] = events[-1].id if events else since
    return {**(seen or {}), **now}


@with_client
async def _live(client: Client, selection: Selection) -> None:
    from rich.live import Live

    from launchkit.cli.fitting import fitted
    from launchkit.cli.output import table_cells

    await _require_queue(client, selection)
    with Live(screen=False, auto_refresh=False) as live:
        async for views in client.watch(selection):
            shown = views[: max(1, live.console.height - 3)]
            cells = table_cells([item_data(view) for view in shown], LAYOUT)
            live.update(fitted(cells, LAYOUT.columns, live.console), refresh=True)


async def _require_queue(client: Client, selection: Selection) -> None:
    if selection.queue is not None:
        await client.hub.queues().find(selection.queue)
