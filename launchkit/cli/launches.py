"""How launches are shown, and `launchkit wait`."""

from collections.abc import Sequence
from datetime import UTC, datetime

import anyio
import click

from launchkit.cli.failures import LAUNCH_FAILED
from launchkit.cli.names import launch_names
from launchkit.cli.options import common_options, duration, output_option
from launchkit.cli.output import Column, Layout, get, show_all
from launchkit.cli.present import Data, ended_data, span
from launchkit.cli.session import with_reader
from launchkit.client import Client, LaunchHandle
from launchkit.model import ItemState


def age(row: Data) -> str:
    """How long ago it was launched."""
    return _between(row["created_at"], None)


def ran(row: Data) -> str | None:
    """How long it has been running, or ran."""
    return _between(row["started_at"], row["ended_at"]) if row["started_at"] else None


def _between(start: str, end: str | None) -> str:
    now = datetime.now(UTC)
    until = datetime.fromisoformat(end) if end else now
    return span((until - datetime.fromisoformat(start)).total_seconds())


LAYOUT = Layout(
    (
        Column("ID", get("id")),
        Column("NAME", get("name")),
        Column("QUEUE", get("queue"), rank=1),
        Column("STATE", get("state")),
        Column("POS", get("position"), rank=4),
        Column("AGE", age),
        Column("RAN", ran, rank=3),
        Column("PRIO", get("priority"), rank=6),
        Column("USER", get("author"), rank=5),
        Column("TRY", get("attempt"), rank=7),
        Column("REASON", get("reason"), below=True),
    ),
    name="id",
    fill="there are none; put one into a queue with: launchkit launch -q QUEUE",
)


@click.command()
@click.argument("refs", nargs=-1, required=True, metavar="REF...", shell_complete=launch_names)
@click.option("--timeout", type=duration, metavar="TIME", help="Give up after 90, 15m, 2h.")
@output_option
@common_options
@with_reader
async def wait(client: Client, refs: Sequence[str], timeout: float | None, form: str) -> None:
    """Wait until launches have ended; exit with 1 if one of them failed or was stopped."""
    runs = await found(client, refs)
    with anyio.move_on_after(timeout) as limit:
        for run in runs:
            await run.wait()
    if limit.cancelled_caught:
        open_ = [f"{run.id} is {run.item.state}" for run in runs if not run.item.state.ended]
        raise TimeoutError(f"after {span(timeout or 0)}: {', '.join(open_)}")
    show_all([ended_data(run.item) for run in runs], form, LAYOUT)
    if any(run.item.state is not ItemState.FINISHED for run in runs):
        raise click.exceptions.Exit(LAUNCH_FAILED)


async def found(client: Client, refs: Sequence[str]) -> list[LaunchHandle]:
    """All of them, before anything is done to one."""
    return [await client.launched(ref) for ref in dict.fromkeys(refs)]
