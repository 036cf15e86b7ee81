"""`launchkit logs`."""

import anyio
import click

from launchkit.cli.names import launch_names
from launchkit.cli.options import common_options, say
from launchkit.cli.progress import copy_log, status_line, tell_what_it_waits_for
from launchkit.cli.session import with_reader
from launchkit.client import Client
from launchkit.errors import NotFound


@click.command()
@click.argument("ref", shell_complete=launch_names)
@click.option("-f", "--follow", is_flag=True, help="Go on until it has ended.")
@click.option("--attempt", type=click.IntRange(min=1), metavar="N", help="Not the latest attempt.")
@click.option("--raw", is_flag=True, help="Byte for byte on a terminal, too.")
@common_options
@with_reader
async def logs(client: Client, ref: str, follow: bool, attempt: int | None, raw: bool) -> None:
    """Print what a launch printed, byte for byte; with -f, on stderr, what it waits for, too.

    A terminal is shown its text and colours; what else would make it do something is written out.
    REF is its id, its run's id, or its name.
    """
    run = await client.launched(ref)
    if attempt and attempt > run.item.attempt:
        raise NotFound(f"launch {run.id} has no attempt {attempt} yet, only {run.item.attempt}")
    async with anyio.create_task_group() as tasks:
        if follow:
            tasks.start_soon(tell_what_it_waits_for, run)
        written = await copy_log(run, attempt, follow, raw=raw)
        tasks.cancel_scope.cancel()
    if not written:
        view = await run.view()
        say(f"no output: {status_line(view, view.item.ended_at or view.item.updated_at)}")
