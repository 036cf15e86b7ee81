"""`launchkit stop`: one launch, or many."""

import sys
from collections.abc import Collection, Sequence
from typing import Any

import click

from launchkit.abc import GiveUp, Stop
from launchkit.cli.launches import LAYOUT, found
from launchkit.cli.names import launch_names
from launchkit.cli.options import common_options, may_ask, output_option, say
from launchkit.cli.output import show_all
from launchkit.cli.present import item_data
from launchkit.cli.selecting import queue_option, state_option
from launchkit.cli.session import with_client
from launchkit.client import Client, LaunchHandle
from launchkit.model import ENDED, ItemState

OPEN = [state for state in ItemState if state not in ENDED]


@click.command()
@click.argument("refs", nargs=-1, metavar="[REF...]", shell_complete=launch_names)
@click.option("--all", "everything", is_flag=True, help="All launches of a queue.")
@queue_option
@state_option
@click.option("--reason", metavar="TEXT", help="Why, for the record.")
@click.option("--now", is_flag=True, help="Without a grace: kill what runs.")
@click.option("--give-up", is_flag=True, help="Its agent never comes back: it has failed, unseen.")
@click.option("--dry-run", is_flag=True, help="Only list what would be stopped.")
@click.option("--yes", is_flag=True, help="With --all: do not ask.")
@output_option
@common_options
def stop(
    refs: Sequence[str],
    queue: str | None,
    states: Collection[ItemState] | None,
    dry_run: bool,
    form: str,
    **given: Any,
) -> None:
    """Ask that launches end.

    One that waits ends at once; one that runs gets SIGTERM, and SIGKILL after its grace, or with
    --now at once, also if it was asked to end before. With --give-up one whose agent fell silent
    ends at once, though nobody can look whether its run is over.
    """
    everything = given["everything"]
    if everything == bool(refs):
        raise click.UsageError("name launches, or a whole queue with --all -q QUEUE")
    if everything != (queue is not None) or (states and not everything):
        raise click.UsageError("--all goes with -q QUEUE, and --state with both")
    if given["give_up"] and given["now"]:
        raise click.UsageError("--give-up ends nothing that runs: leave --now out")
    if queue is not None:
        refs = _open(queue, states)
        if refs and not (given["yes"] or dry_run):
            _ask(queue, len(refs))
    if dry_run:
        _show(refs, form)
    else:
        reason = given["reason"]
        wish = GiveUp(reason=reason) if given["give_up"] else Stop(reason=reason, now=given["now"])
        _end(refs, wish, form)


def _ask(queue: str, count: int) -> None:
    """:raises Abort: unless the user types the queue's name."""
    may_ask("give --yes to stop them")
    say(f"{count} launches of queue {queue} will be stopped.")
    if click.prompt("To stop them, type the queue's name", err=True) != queue:
        say("nothing was stopped")
        raise click.Abort


@with_client
async def _open(client: Client, queue: str, states: Collection[ItemState] | None) -> list[str]:
    await client.hub.queues().find(queue)
    wanted = [state for state in OPEN if states is None or state in states]
    views = await client.launches(queue=queue, states=wanted, limit=sys.maxsize)
    return [view.item.id for view in views]


@with_client
async def _end(client: Client, refs: Sequence[str], wish: Stop | GiveUp, form: str) -> None:
    runs = await found(client, refs)
    for run in runs:
        if run.item.state.ended:
            say(f"{run.id} has ended already: {run.item.state}")
        if isinstance(wish, GiveUp):
            await run.give_up(wish.reason)
        else:
            await run.stop(wish.reason, now=wish.now)
    await _print(runs, form)


@with_client
async def _show(client: Client, refs: Sequence[str], form: str) -> None:
    await _print(await found(client, refs), form)


async def _print(runs: Sequence[LaunchHandle], form: str) -> None:
    show_all([item_data(await run.view()) for run in runs], form, LAYOUT)
