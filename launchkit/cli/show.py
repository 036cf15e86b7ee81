"""`launchkit show`."""

from collections.abc import Iterator

import click

from launchkit.cli.door import Line, Styled, put
from launchkit.cli.launches import LAYOUT, age, ran
from launchkit.cli.names import launch_names
from launchkit.cli.options import TABLES, common_options, output_option, say_next
from launchkit.cli.outcome import verdict_lines
from launchkit.cli.output import aligned, as_json_line, as_yaml, show_one, styled
from launchkit.cli.present import Data, clock, launch_data
from launchkit.cli.session import with_reader
from launchkit.client import Client
from launchkit.codec import decode, dotted
from launchkit.model import ItemState
from launchkit.resolving.nested import leaves
from launchkit.shell_words import shell_argument, shell_join

APART = frozenset({"origins", "request", "env", "command"})


@click.command()
@click.argument("ref", shell_complete=launch_names)
@click.option(
    "--resolved", is_flag=True, help="Show every choice, who made it, and the exact request."
)
@output_option
@common_options
@with_reader
async def show(client: Client, ref: str, resolved: bool, form: str) -> None:
    """Show a launch: state, reason, verdict, outputs and timeline.

    REF is its id, its run's id, or its name.
    """
    run = await client.launched(ref)
    data = launch_data(await run.view(), await run.events())
    if form not in TABLES:
        show_one(data, form, LAYOUT)
        return
    for line in resolved_screen(data["resolved"]) if resolved else screen(data):
        put(line)
    if data["state"] == ItemState.FAILED and not resolved:
        say_next(*(f"{word} {shell_argument(data['id'])}" for word in ("logs", "requeue")))


def screen(data: Data) -> Iterator[Line]:
    """One screen about a launch."""
    yield Styled(data["name"], bold=True)
    yield from _facts(_header(data))
    if data["verdict"]:
        yield ""
        yield from verdict_lines(data["verdict"])
    if data["outputs"]:
        yield ""
        yield Styled("outputs", bold=True)
        outputs = leaves(data["outputs"])
        yield from aligned([(dotted(path), as_json_line(value)) for path, value in outputs])
    yield ""
    rows = [
        (
            clock(event["at"]),
            event["state"] or event["kind"],
            f"try {event['attempt']}",
            event["actor"],
            event["cause"] or "",
        )
        for event in data["events"]
    ]
    yield from aligned(rows)


def resolved_screen(resolved: Data | None) -> Iterator[Line]:
    """Every choice with who made it, and the request that was sent."""
    from launchkit.model import Resolution

    if resolved is None:
        yield "Not resolved yet: that happens when an agent claims it."
        return
    told = decode(Resolution, resolved)
    origins = told.origins
    command = " ".join(dict.fromkeys(origins.get(key, "-") for key in ("entry_point", "args")))
    words = shell_join(told.command)
    rows = [("CHOICE", "VALUE", "DECIDED BY"), ("command", words, command)]
    for path, value in leaves({k: v for k, v in resolved.items() if k not in APART}):
        key = dotted(path)
        shown = value if isinstance(value, str) else as_json_line(value)
        rows.append((key, shown, origins.get(key, "-")))
    rows += [(f"env.{name}", "", origins.get(f"env.{name}", "agent")) for name in told.env]
    yield from aligned(rows)
    yield ""
    yield Styled("request", bold=True)
    yield from as_yaml(told.request).splitlines()


def _header(data: Data) -> Iterator[tuple[str, Line | None]]:
    stopping = " (asked to stop)" if data["stop_requested"] else ""
    yield "id", f"{data['id']} (run {data['run_id']}, try {data['attempt']})"
    yield "state", (styled(data["state"]), stopping)
    yield "queue", f"{data['queue']} of {data['entity']}, priority {data['priority']}"
    if data["state"] == ItemState.QUEUED:
        yield "position", str(data["position"])
        yield "waits", data["reason"]
    elif not data["verdict"]:
        yield "message", data["message"]
    yield "job", data["job"]
    yield "project", data["project"]
    yield "by", data["author"]
    yield "agent", data["agent"]
    yield "ref", data["ref"]
    yield "age", age(data)
    yield "ran", ran(data)
    yield "exit code", None if data["exit_code"] is None else str(data["exit_code"])


def _facts(facts: Iterator[tuple[str, Line | None]]) -> Iterator[Line]:
    for name, value in facts:
        if value:
            yield (f"{name:<10} ", *(value if isinstance(value, tuple) else (value,)))
