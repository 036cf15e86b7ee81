"""`launchkit apply`: queues as code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import click

from launchkit.abc import QueueView, Runner
from launchkit.cli.options import common_options, may_ask, output_option, say, say_finding
from launchkit.cli.output import Column, Layout, get, show_all
from launchkit.cli.queue_config import places_in, runner_class
from launchkit.cli.queue_file import Wanted, diff, wanted_queues
from launchkit.cli.session import with_maker
from launchkit.cli.sources import documents_from
from launchkit.client import Client
from launchkit.errors import ConfigError, Conflict, Rejected
from launchkit.model import ENDED, ItemState, Queue, QueueSpec
from launchkit.resolving.config_places import under_config
from launchkit.resolving.written_secrets import secrets_warning

LAYOUT = Layout((Column("NAME", get("name")), Column("ACTION", get("action"))), name="name")
WAITING = frozenset({ItemState.QUEUED, ItemState.HELD})


@dataclass(frozen=True)
class Step:
    """What is to be done about one queue."""

    action: Literal["create", "update", "unchanged", "delete"]
    name: str
    before: Queue | None
    after: QueueSpec | None


@click.command()
@click.option(
    "-f", "--file", required=True, metavar="FILE|-", help="Queues, as `queue list -o yaml`."
)
@click.option("--prune", is_flag=True, help="Remove queues that are not in the file.")
@click.option("--force", is_flag=True, help="With --prune: stop the launches that wait in them.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be done.")
@click.option("--yes", is_flag=True, help="Do not ask before a queue is removed.")
@output_option
@common_options
def apply(file: str, prune: bool, force: bool, dry_run: bool, yes: bool, form: str) -> None:
    """Make the queues as a file wants them, and show what that changes.

    Nothing is changed if any part of the file is wrong. A queue that somebody else changes
    meanwhile is left as it is, and the command ends there.
    """
    wanted = wanted_queues(documents_from(file))
    if prune and not wanted:
        raise ConfigError(f"{file}: has no queues; --prune would remove all that there are")
    resources = dict.fromkeys(one.spec.resource for one in wanted)
    runners = {kind: runner_class(kind, allow_unknown=True) for kind in resources}
    _check(wanted, runners)
    steps = _plan(wanted, prune, force)
    for step in steps:
        if step.action in {"create", "update"}:
            say(diff(step.before.spec if step.before else None, step.after))
            say_finding(secrets_warning(step.after) if step.after else None)
    gone = [step.name for step in steps if step.action == "delete"]
    if gone and not (yes or dry_run):
        may_ask("give --yes to remove queues")
        click.confirm(f"Remove {', '.join(gone)}?", abort=True, err=True)
    if not dry_run:
        _do(steps, force)
    show_all([{"name": step.name, "action": step.action} for step in steps], form, LAYOUT)


@with_maker
async def _plan(client: Client, wanted: Sequence[Wanted], prune: bool, force: bool) -> list[Step]:
    views = {view.queue.name: view for view in await client.queues()}
    steps = [_step(one.spec, views.get(one.spec.name)) for one in wanted]
    if prune:
        gone = [views[name] for name in sorted(views.keys() - {step.name for step in steps})]
        _require_idle(gone, force)
        steps += [Step("delete", view.queue.name, view.queue, None) for view in gone]
    return steps


@with_maker
async def _check(
    client: Client, wanted: Sequence[Wanted], runners: Mapping[str, type[Runner] | None]
) -> None:
    """Ask the runners about all configs, before anything is changed."""
    problems = []
    for one in wanted:
        try:
            await client.check_queue(one.spec)
        except Rejected as exc:
            resource = one.spec.resource
            at = under_config(one.locate)
            places = places_in(one.spec.config, at, resource, runners[resource])
            problems.append(places.told(exc.message))
    if problems:
        raise ConfigError("\n".join(problems), hint="nothing was changed")


def _step(spec: QueueSpec, view: QueueView | None) -> Step:
    if view is None:
        return Step("create", spec.name, None, spec)
    action: Literal["update", "unchanged"] = "unchanged" if view.queue.spec == spec else "update"
    return Step(action, spec.name, view.queue, spec)


def _require_idle(gone: Sequence[QueueView], force: bool) -> None:
    """:raises Conflict: if a queue that would be removed has launches."""
    problems = []
    for view in gone:
        waiting = sum(count for state, count in view.counts.items() if state in WAITING)
        busy = sum(count for state, count in view.counts.items() if state not in WAITING | ENDED)
        if busy or (waiting and not force):
            problems.append(
                f"queue {view.queue.name} is not in the file, but has {waiting} launches waiting"
                f" and {busy} under way"
            )
    if problems:
        raise Conflict(
            "\n".join(problems),
            hint="nothing was changed; --force stops what waits, but not what is under way",
        )


@with_maker
async def _do(client: Client, steps: Sequence[Step], force: bool) -> None:
    for step in steps:
        if step.action == "unchanged":
            continue
        if step.after is None:
            await client.delete_queue(step.name, force=force)
        elif step.before is None:
            await client.add_queue(step.after)
        else:
            await client.edit_queue(step.after, if_version=step.before.version)
        say(f"{step.action} {step.name}: done")
