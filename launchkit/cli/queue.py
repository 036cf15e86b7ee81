"""`launchkit queue`: make, look at, pause and remove queues."""

import time
from contextlib import ExitStack
from datetime import datetime
from textwrap import indent
from typing import Any

import click

from launchkit.abc import QueueView
from launchkit.cli.door import put, put_text
from launchkit.cli.lazy import LazyGroup
from launchkit.cli.names import queue_names
from launchkit.cli.options import (
    TABLES,
    common_options,
    duration,
    output_option,
    say,
    say_finding,
    say_next,
)
from launchkit.cli.output import Column, Layout, aligned, as_json, as_yaml, get, show_all, show_one
from launchkit.cli.present import Data, clock, queue_data, span, variable_data
from launchkit.cli.queue_config import checked_config, kinds, places_in, runner_class
from launchkit.cli.queue_file import queue_entry
from launchkit.cli.queue_template import offered_config
from launchkit.cli.session import with_client, with_maker, with_reader
from launchkit.cli.sources import mapping_from
from launchkit.client import Client
from launchkit.document import require_mapping
from launchkit.model import ENDED, Json
from launchkit.resolving.templates import find_variables
from launchkit.resolving.written_secrets import secrets_warning
from launchkit.shell_words import shell_word


def _waiting(row: Data) -> int:
    return int(row["counts"].get("queued", 0)) + int(row["counts"].get("held", 0))


def _under_way(row: Data) -> int:
    return sum(
        count for state, count in row["counts"].items() if state not in {*ENDED, "queued", "held"}
    )


LAYOUT = Layout(
    (
        Column("NAME", get("name")),
        Column("RESOURCE", get("resource")),
        Column("WAITING", _waiting),
        Column("UNDER WAY", _under_way),
        Column("LIMIT", get("max_concurrent")),
        Column("PRIORITIES", get("prioritization")),
        Column("PAUSED", get("paused", "reason")),
    ),
    name="name",
    fill="there are no queues; make one with: launchkit queue create NAME --resource local-process",
)
VARIABLES = Layout((Column("NAME", get("name")), Column("TYPE", get("type"))), name="name")


@click.group(
    cls=LazyGroup,
    commands_at={
        "edit": ("launchkit.cli.queue_edit:edit", "Change a queue, with options or in an editor."),
        "template": (
            "launchkit.cli.queue_template:template",
            "Print a config to begin with for a queue of a KIND.",
        ),
    },
)
def queue() -> None:
    """Make, change, pause and remove queues."""


@queue.command()
@click.argument("name")
@click.option("-r", "--resource", metavar="KIND", help="local-process, …")
@click.option("--config", metavar="FILE|-", help="The config of its runs, YAML or JSON.")
@click.option("--template-variables", "variables", metavar="FILE|-", help="What {{fields}} may be.")
@click.option("--prioritization", is_flag=True, help="Let launches have priorities.")
@click.option(
    "--max-concurrent", type=click.IntRange(min=0), metavar="N", help="Under way at once, at most."
)
@click.option("--allow-unknown", is_flag=True, help="Of a kind that nothing here knows.")
@output_option
@common_options
def create(
    name: str,
    config: str | None,
    variables: str | None,
    allow_unknown: bool,
    form: str,
    **given: Any,
) -> None:
    """Make a queue."""
    if given["resource"] is None:
        raise click.UsageError(f"say what its launches run on: -r KIND, such as {kinds()}")
    document, defined = checked_config(config, variables)
    runner = runner_class(given["resource"], allow_unknown=allow_unknown)
    settings: Json = require_mapping(document)
    with ExitStack() as drafts:
        if config is None and runner is not None:
            settings = offered_config(runner, given["resource"], drafts)
        places = places_in(settings, document.locate, given["resource"], runner)

        @with_maker
        async def made(client: Client) -> QueueView:
            with places.given():
                await client.create_queue(name, config=settings, variables=defined, **given)
            return await (await client.queue(name)).view()

        view = made()
    show_one(queue_data(view), form, LAYOUT)
    say_finding(secrets_warning(view.queue.spec))
    if runner is not None and not settings:
        kind = shell_word(given["resource"])
        say(f"its config is empty: launchkit queue template {kind} prints one to edit")
    say_next(f"launch -q {shell_word(name)} …", f"agent -q {shell_word(name)}")


@queue.command(name="list")
@output_option
@common_options
@with_reader
async def list_(client: Client, form: str) -> None:
    """List queues; with -o yaml, as the file that `apply` reads."""
    show_all([_data(view, form) for view in await client.queues()], form, LAYOUT)


@queue.command()
@click.argument("name", shell_complete=queue_names)
@output_option
@common_options
@with_reader
async def show(client: Client, name: str, form: str) -> None:
    """Show a queue: its state, its config and its template variables.

    With -o yaml it prints what `apply` reads.
    """
    data = _data(await (await client.queue(name)).view(), form)
    if form not in TABLES:
        show_one(data, form, LAYOUT)
        return
    counts = ", ".join(f"{count} {state}" for state, count in data["counts"].items())
    limit = data["max_concurrent"]
    facts = [
        ("name", f"{data['name']} of {data['entity']} (version {data['version']})"),
        ("resource", data["resource"]),
        ("launches", counts or "none"),
        ("limit", "none" if limit is None else f"{limit} under way at once"),
        ("priorities", "yes" if data["prioritization"] else "no"),
        ("paused", _pause_text(data["paused"])),
    ]
    for line in aligned(facts):
        put(line)
    for key in ("config", "template_variables"):
        if data[key]:
            put_text(f"\n{key}:\n{indent(as_yaml(data[key]), '  ')}")


@queue.command()
@click.argument("file", metavar="FILE|-")
@output_option
@common_options
def parse(file: str, form: str) -> None:
    """List the template fields of a config, with a guess at each one's type.

    With -o yaml, what it prints can be a file for --template-variables.
    """
    found = find_variables(require_mapping(mapping_from(file, "FILE")))
    data = {name: variable_data(variable) for name, variable in found.items()}
    if form == "yaml":
        put_text(as_yaml(data))
    elif form == "json":
        put_text(as_json(data))
    else:
        show_all([{"name": name, **about} for name, about in data.items()], form, VARIABLES)


@queue.command()
@click.argument("name", shell_complete=queue_names)
@click.option("--reason", required=True, metavar="TEXT", help="Shown to all whose launches wait.")
@click.option("--for", "how_long", type=duration, metavar="TIME", help="Such as 90, 15m, 2h.")
@click.option("--until", type=datetime.fromisoformat, metavar="ISO", help="2030-01-31T08:00.")
@common_options
@with_client
async def pause(
    client: Client, name: str, reason: str, how_long: float | None, until: datetime | None
) -> None:
    """Claim nothing more from a queue; what is under way goes on."""
    if how_long is not None and until is not None:
        raise click.UsageError("--for and --until exclude each other")
    end = until.timestamp() if until else None
    if how_long is not None:
        end = time.time() + how_long
    if end is not None and end <= time.time():
        raise click.UsageError(f"--until {until} is over already")
    await client.pause_queue(name, reason, until=end)
    say(f"queue {name} is paused" + (f" for {span(end - time.time())}" if end else ""))


@queue.command()
@click.argument("name", shell_complete=queue_names)
@common_options
@with_client
async def resume(client: Client, name: str) -> None:
    """End a pause."""
    await client.resume_queue(name)
    say(f"queue {name} goes on")


@queue.command()
@click.argument("name", shell_complete=queue_names)
@click.option("--force", is_flag=True, help="Stop the launches that wait in it.")
@common_options
@with_client
async def delete(client: Client, name: str, force: bool) -> None:
    """Remove a queue; launches that have ended stay visible."""
    stopped = await client.delete_queue(name, force=force)
    say(
        f"queue {name} is gone" + (f"; {stopped} launches that waited were stopped" * bool(stopped))
    )


def _data(view: QueueView, form: str) -> Data:
    return queue_entry(view.queue.spec) if form == "yaml" else queue_data(view)


def _pause_text(pause: Data | None) -> str:
    if pause is None:
        return "no"
    until = f", until {clock(pause['until'])}" if pause["until"] else ""
    return f"{pause['reason']} (by {pause['by']}, since {clock(pause['at'])}{until})"
