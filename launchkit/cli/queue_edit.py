"""`launchkit queue edit`."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

import click

from launchkit.cli.failures import describe
from launchkit.cli.options import common_options, say
from launchkit.cli.output import as_yaml
from launchkit.cli.present import variable_data
from launchkit.cli.queue_config import read_variables
from launchkit.cli.session import with_client
from launchkit.cli.sources import mapping_from
from launchkit.client import Client
from launchkit.codec import decode, plain
from launchkit.document import parse_mapping, require_mapping
from launchkit.errors import ConfigError
from launchkit.model import Json, Queue, QueueSpec
from launchkit.model.spec import STRICT
from launchkit.steps.templates import check_template
from launchkit.steps.variables import parse_variables

NO_LIMIT = -1


@dataclass(frozen=True, kw_only=True)
class Editable:
    """What an editor shows of a queue."""

    __pydantic_config__: ClassVar = STRICT

    config: Json = field(default_factory=dict)
    template_variables: Mapping[str, Json] = field(default_factory=dict)
    prioritization: bool = False
    max_concurrent: int | None = None


def limit(text: str) -> int:
    """A number of launches, or `none`."""
    if text == "none":
        return NO_LIMIT
    if not text.isdecimal():
        raise click.BadParameter(f"{text!r} must be a number, or none")
    return int(text)


@click.command()
@click.argument("name")
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
    after = _with_files(before.spec, config, variables)
    if prioritization is not None:
        after = replace(after, prioritization=prioritization)
    if max_concurrent is not None:
        after = replace(
            after, max_concurrent=None if max_concurrent == NO_LIMIT else max_concurrent
        )
    if (config, variables, prioritization, max_concurrent) == (None,) * 4:
        after = _edited(before.spec)
    if after == before.spec:
        say("nothing was changed")
        return
    _save(after, before.version)
    say(diff(before.spec, after))


@with_client
async def _load(client: Client, name: str) -> Queue:
    return (await client.queue(name)).queue


@with_client
async def _save(client: Client, spec: QueueSpec, version: int) -> None:
    await client.edit_queue(spec, if_version=version)


def _with_files(spec: QueueSpec, config: str | None, variables: str | None) -> QueueSpec:
    if variables is not None:
        spec = replace(spec, variables=read_variables(variables))
    if config is not None:
        document = mapping_from(config, "--config")
        spec = replace(spec, config=require_mapping(document))
        check_template(spec.config, spec.variables, document.locate)
    return spec


def text_of(spec: QueueSpec) -> str:
    """A queue as an editor shows it."""
    return as_yaml(
        {
            "config": plain(dict(spec.config)),
            "template_variables": {k: variable_data(v) for k, v in spec.variables.items()},
            "prioritization": spec.prioritization,
            "max_concurrent": spec.max_concurrent,
        }
    )


def read_text(text: str, spec: QueueSpec) -> QueueSpec:
    """The queue *spec* as an edited text says.

    :raises ConfigError: naming the lines that are wrong.
    """
    document = parse_mapping(text, spec.name)
    data = {key: value for key, value in require_mapping(document).items() if value is not None}
    edited = decode(Editable, data, document.locate)
    variables = parse_variables(
        edited.template_variables, lambda path: document.locate(("template_variables", *path))
    )
    check_template(edited.config, variables, lambda path: document.locate(("config", *path)))
    return replace(
        spec,
        config=edited.config,
        variables=variables,
        prioritization=edited.prioritization,
        max_concurrent=edited.max_concurrent,
    )


def diff(before: QueueSpec, after: QueueSpec) -> str:
    """What was changed, line by line."""
    lines = difflib.unified_diff(
        text_of(before).splitlines(), text_of(after).splitlines(), "before", "after", lineterm=""
    )
    return "\n".join(lines)


def _edited(spec: QueueSpec) -> QueueSpec:
    """The queue as the user leaves it in the editor; a text that is wrong can be corrected."""
    text = text_of(spec)
    while True:
        edited = click.edit(text, extension=".yaml")
        if edited is None:
            return spec
        try:
            return read_text(edited, spec)
        except ConfigError as exc:
            click.echo(describe(exc), err=True)
            click.confirm("Edit it again?", default=True, abort=True, err=True)
            text = edited
