"""`launchkit launch --dry-run`: what a launch would be, without launching it."""

import shlex
from collections.abc import Iterator

import click

from launchkit.cli.door import put
from launchkit.cli.options import TABLES
from launchkit.cli.output import aligned, as_json, as_yaml
from launchkit.cli.present import Data
from launchkit.codec import dotted, plain
from launchkit.model import LaunchSpec
from launchkit.resolving.nested import leaves
from launchkit.resolving.resolve import Choices


def request_data(queue: str, spec: LaunchSpec, choices: Choices) -> Data:
    """A request with every choice that queue, job and launch make together."""
    return {
        "queue": queue,
        "name": spec.name,
        "project": spec.project,
        "job": spec.job,
        "source": plain(spec.recipe.source),
        "entry_point": list(choices.entry_point),
        "args": list(choices.args),
        "env": dict(choices.env),
        "config": choices.config,
        "resource_args": choices.resource_args,
        "builder_args": choices.builder_args,
        "origins": dict(choices.origins),
    }


def show_request(data: Data, form: str) -> None:
    """Print a request; as a table, each choice with who made it."""
    if form in TABLES:
        for line in aligned([("CHOICE", "VALUE", "DECIDED BY"), *_rows(data)]):
            put(line)
    elif form == "yaml":
        click.echo(as_yaml(data), nl=False)
    else:
        click.echo(as_json(data))


def _rows(data: Data) -> Iterator[tuple[str, str, str]]:
    origins = data["origins"]
    for key, value in data.items():
        if key in {"entry_point", "args"}:
            yield key, shlex.join(value), origins.get(key, "-")
        elif isinstance(value, dict) and key != "origins":
            for path, leaf in leaves(value, (key,)):
                yield dotted(path), _text(leaf), origins.get(dotted(path), "-")
        elif key != "origins":
            yield key, _text(value), "-"


def _text(value: object) -> str:
    return value if isinstance(value, str) else as_json(value).replace("\n", " ")
