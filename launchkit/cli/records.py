"""`launchkit events` and `launchkit audit`: what happened, and who changed what of people."""

from dataclasses import replace

import click

from launchkit.cli.desk import Desk, desk
from launchkit.cli.names import queue_names
from launchkit.cli.options import common_options, output_option, say_next
from launchkit.cli.output import Column, Layout, get, show_all
from launchkit.cli.present import Data, clock, moment
from launchkit.store.happened import KINDS, NEWEST, Audit, Audited, Happened, Happening

MOST = 1000
EVENTS = Layout(
    (
        Column("WHEN", lambda row: clock(row["at"])),
        Column("WHAT", lambda row: row["state"] or row["kind"]),
        Column("LAUNCH", get("name")),
        Column("QUEUE", get("queue"), rank=1),
        Column("BY", get("actor"), rank=2),
        Column("WHY", get("cause"), below=True),
    ),
    name="id",
)
ENTRIES = Layout(
    (
        Column("WHEN", lambda row: clock(row["at"])),
        Column("WHO", get("actor")),
        Column("DID WHAT", get("what")),
    ),
    name="id",
)
limit_option = click.option(
    "--limit", type=click.IntRange(1, MOST), default=50, show_default=True, metavar="N"
)
before_option = click.option(
    "--before",
    type=click.IntRange(0, NEWEST),
    default=NEWEST,
    metavar="ID",
    help="Older than this one, for the next page.",
)


@click.command()
@click.option("--kind", type=click.Choice(KINDS), help="Of this kind.")
@click.option("-q", "--queue", metavar="NAME", help="Of one queue.", shell_complete=queue_names)
@click.option("--actor", metavar="NAME", help="By this person or agent.")
@limit_option
@before_option
@output_option
@common_options
def events(
    kind: str | None, queue: str | None, actor: str | None, limit: int, before: int, form: str
) -> None:
    """List what happened to queues and launches, newest first."""
    wanted = Happened(
        entity="", kind=kind or "", queue=queue or "", actor=actor or "", before=before, limit=limit
    )
    found, older = _found(desk(), wanted)
    show_all([_event_data(one) for one in found], form, EVENTS)
    if older is not None:
        say_next(f"events --before {older:d}")


@click.command()
@limit_option
@before_option
@output_option
@common_options
def audit(limit: int, before: int, form: str) -> None:
    """List who changed accounts, roles, tokens, webhooks and agents of a service, newest first."""
    entries = desk().do(Audit(before=before, limit=limit))
    show_all([_entry_data(one) for one in entries], form, ENTRIES)
    if len(entries) == limit:
        say_next(f"audit --before {entries[-1].id:d}")


def _found(at: Desk, wanted: Happened) -> tuple[list[Happening], int | None]:
    """So many as are wanted, and before which event there are more: a page looks through a bounded
    number of events, and may have none of those that are wanted.
    """
    found: list[Happening] = []
    before: int | None = wanted.before
    while before is not None and len(found) < wanted.limit:
        limit = wanted.limit - len(found)
        page = at.do(replace(wanted, entity=at.entity, before=before, limit=limit))
        found += page.happenings
        before = page.older
    return found, before


def _event_data(one: Happening) -> Data:
    return {
        "id": one.id,
        "at": moment(one.at),
        "kind": one.kind,
        "actor": one.actor,
        "queue": one.queue,
        "launch": one.item_id,
        "name": one.name,
        "attempt": one.attempt,
        "state": one.state.value if one.state else None,
        "cause": one.cause,
    }


def _entry_data(one: Audited) -> Data:
    return {"id": one.id, "at": moment(one.at), "actor": one.actor, "what": one.what}
