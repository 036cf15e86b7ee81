"""`launchkit queue edit`."""

from dataclasses import replace

import click

from launchkit.abc import Runner
from launchkit.cli import editor
from launchkit.cli.names import queue_names
from launchkit.cli.options import common_options, may_ask, say, say_finding
from launchkit.cli.output import as_yaml
from launchkit.cli.queue_config import places_in, read_variables
from launchkit.cli.queue_file import diff, editable_data, edited
from launchkit.cli.session import with_client
from launchkit.cli.sources import mapping_from
from launchkit.client import Client
from launchkit.codec import Locate, below
from launchkit.document import parse_mapping, require_mapping
from launchkit.model import Queue, QueueSpec
from launchkit.plugins import Plugins
from launchkit.resolving.config_places import ConfigPlaces, under_config
from launchkit.resolving.templates import check_template
from launchkit.resolving.written_secrets import secrets_warning

NO_LIMIT = -1


def limit(text: str) -> int:
    """A number of launches, or `none`."""
    if text == "none":
        return NO_LIMIT
    if not text.isdecimal():
        raise click.BadParameter(f"{text!r} must be a number, or none")
    return int(text)


@click.command()
@click.argument("name", shell_complete=queue_names)
@click.option("--config", metavar="FILE|-", help="A new config.")
@click.option("--template-variables", "variables", metavar="FILE|-", help="New definitions.")
@click.option("--prioritization/--no-prioritization", default=None, help="Priorities or not.")
@click.option("--max-concurrent", type=limit, metavar="N|none", help="A new limit.")
@common_options
def edit(
    name: str,
    config: str | None,
    variables: str | None,
    prioritization: bool | None,
    max_concurrent: int | None,
) -> None:
    """Change a queue, with options or in an editor.

    Without options, $EDITOR opens. Nothing is saved if somebody else changed the queue meanwhile.
    """
    before = _load(name)
    if (config, variables, prioritization, max_concurrent) == (None,) * 4:
        _edit(before)
        return
    after, places = _with_files(before.spec, config, variables)
    if prioritization is not None:
        after = replace(after, prioritization=prioritization)
    if max_concurrent is not None:
        after = replace(
            after, max_concurrent=None if max_concurrent == NO_LIMIT else max_concurrent
        )
    _change(before, after, places)


def _change(before: Queue, after: QueueSpec, places: ConfigPlaces) -> None:
    if after == before.spec:
        say("nothing was changed")
        return
    with places.given():
        _save(after, before.version)
    say(diff(before.spec, after))
    say_finding(secrets_warning(after))


@with_client
async def _load(client: Client, name: str) -> Queue:
    return await client.hub.queues().find(name)


@with_client
async def _check(client: Client, spec: QueueSpec) -> None:
    await client.check_queue(spec)


@with_client
async def _save(client: Client, spec: QueueSpec, version: int) -> None:
    await client.edit_queue(spec, if_version=version)


def _with_files(
    spec: QueueSpec, config: str | None, variables: str | None
) -> tuple[QueueSpec, ConfigPlaces]:
    """The queue as the files want it, and where its config stands."""
    if variables is not None:
        spec = replace(spec, variables=read_variables(variables))
    if config is None:
        return spec, _places(spec, below("config"))
    document = mapping_from(config, "--config")
    spec = replace(spec, config=require_mapping(document))
    check_template(spec.config, spec.variables, document.locate)
    return spec, _places(spec, document.locate)


def _places(spec: QueueSpec, locate: Locate) -> ConfigPlaces:
    runner = Plugins().find(Runner, spec.resource)
    return places_in(spec.config, locate, spec.resource, runner)


def _edit(before: Queue) -> None:
    """Have the user change a queue in the editor."""
    may_ask("say with options what to change")
    spec = before.spec
    with editor.draft(as_yaml(editable_data(spec))) as draft:

        def read(written: str) -> QueueSpec:
            if not draft.is_changed:
                return spec
            document = parse_mapping(written, spec.name)
            after = edited(require_mapping(document), spec, document.locate)
            with _places(after, under_config(document.locate)).given():
                _check(after)
            return after

        after = editor.edited(draft, read)
        _change(before, after, _places(after, below("config")))
