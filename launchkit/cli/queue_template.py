"""`launchkit queue template`, and the config that is offered when a queue is made without one."""

import sys

import click

from launchkit.abc import Runner
from launchkit.cli.failures import describe
from launchkit.cli.options import common_options
from launchkit.cli.queue_config import undefined
from launchkit.document import parse_mapping, require_mapping
from launchkit.errors import ConfigError, Rejected
from launchkit.model import Json
from launchkit.plugins import Plugins
from launchkit.resolving.templates import find_variables


@click.command()
@click.argument("kind")
@common_options
def template(kind: str) -> None:
    """Print a config to begin with for a queue of a KIND, with comments."""
    click.echo(Plugins().get(Runner, kind).starter_config(), nl=False)


def offered_config(runner: type[Runner]) -> Json:
    """The config that a person writes in the editor, if there is one who wants to; else none."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return {}
    question = "No config was given. Open one to begin with in your editor?"
    if not click.confirm(question, default=False, err=True):
        return {}
    text = runner.starter_config()
    while True:
        text = click.edit(text, extension=".yaml") or text
        try:
            return _read(text, runner)
        except (ConfigError, Rejected) as exc:
            click.echo(describe(exc), err=True)
            click.confirm("Edit it again?", default=True, abort=True, err=True)


def _read(text: str, runner: type[Runner]) -> Json:
    data = require_mapping(parse_mapping(text, "config"))
    if fields := find_variables(data):
        raise undefined(fields, "config")
    runner.check_args(data)
    return data
