"""`launchkit requeue`, `hold`, `move` and `priority`: change launches that wait."""

from collections.abc import Sequence

import click

from launchkit.cli.launch import priority as level_of
from launchkit.cli.launches import LAYOUT, found
from launchkit.cli.names import launch_names, queue_names
from launchkit.cli.options import common_options, output_option, say
from launchkit.cli.output import show_all
from launchkit.cli.present import item_data
from launchkit.cli.session import with_client
from launchkit.client import Client, LaunchHandle
from launchkit.errors import Conflict
from launchkit.model import ItemState, Priority

WAITING = frozenset({ItemState.QUEUED, ItemState.HELD})

refs_argument = click.argument(
    "refs", nargs=-1, required=True, metavar="REF...", shell_complete=launch_names
)


@click.command()
@refs_argument
@output_option
@common_options
@with_client
async def requeue(client: Client, refs: Sequence[str], form: str) -> None:
    """Put launches back into their queues.

    One that is held goes back to its place. One that has ended is launched again, as a new launch
    with the same request; its record names the first one.
    """
    runs = await found(client, refs)
    busy = [run for run in runs if run.item.state not in WAITING and not run.item.state.ended]
    if busy:
        raise Conflict(
            "\n".join(f"launch {run.id} is under way: {run.item.state}" for run in busy),
            hint="nothing was changed; only what is held or has ended can be requeued",
        )
    again = []
    for run in runs:
        if run.item.state is ItemState.QUEUED:
            say(f"{run.id} is queued already")
        back = await run.requeue()
        if back is not run:
            say(f"{run.id} is launched again as {back.id}")
        again.append(back)
    await _print(again, form)


@click.command()
@refs_argument
@click.option("--reason", required=True, metavar="TEXT", help="Why, for the record.")
@output_option
@common_options
@with_client
async def hold(client: Client, refs: Sequence[str], reason: str, form: str) -> None:
    """Keep launches that wait from being claimed, until `requeue` puts them back."""
    runs = await found(client, refs)
    for run in runs:
        await run.hold(reason)
    await _print(runs, form)


@click.command()
@click.argument("ref", shell_complete=launch_names)
@click.argument("level", type=level_of, metavar="LEVEL")
@output_option
@common_options
@with_client
async def priority(client: Client, ref: str, level: Priority, form: str) -> None:
    """Change the priority of a launch that waits.

    Its queue must have prioritization. LEVEL is critical, high, medium or low, or 0 to 3.
    """
    run = await client.launched(ref)
    await run.set_priority(level)
    await _print([run], form)


@click.command()
@refs_argument
@click.option(
    "--to", "queue", required=True, metavar="QUEUE", help="The queue.", shell_complete=queue_names
)
@output_option
@common_options
@with_client
async def move(client: Client, refs: Sequence[str], queue: str, form: str) -> None:
    """Put launches that wait into another queue, at the place of the time of their launch."""
    await client.hub.queues().find(queue)
    runs = await found(client, refs)
    for run in runs:
        await run.move(queue)
    await _print(runs, form)


async def _print(runs: Sequence[LaunchHandle], form: str) -> None:
    show_all([item_data(await run.view()) for run in runs], form, LAYOUT)
