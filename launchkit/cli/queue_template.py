"""`launchkit queue template`, and the config that is offered when a queue is made without one."""

import sys
from contextlib import ExitStack
from functools import partial

import click

from launchkit.abc import Runner
from launchkit.cli import editor
from launchkit.cli.door import put_text
from launchkit.cli.options import chosen, common_options
from launchkit.cli.queue_config import undefined
from launchkit.document import parse_mapping, require_mapping
from launchkit.errors import Rejected
from launchkit.model import Json
from launchkit.plugins import Plugins
from launchkit.resolving.config_places import ConfigPlaces
from launchkit.resolving.templates import find_variables
from launchkit.shell_words import shell_word


@click.command()
@click.argument("kind")
@common_options
def template(kind: str) -> None:
    """Print a config to begin with for a queue of a KIND, with comments."""
    put_text(Plugins().get(Runner, kind).starter_config())


def offered_config(runner: type[Runner], kind: str, drafts: ExitStack) -> Json:
    """The config that a person writes in the editor, if there is one who wants to; else none. If
    nothing comes of it until *drafts* is left, what was written stays.

    :raises Rejected: if none was given, and the runner cannot do without.
    """
    needed = _why_needed(runner)
    there = sys.stdin.isatty() and sys.stdout.isatty() and not chosen("no_input")
    question = "No config was given. Open one to begin with in your editor?"
    if not there or not click.confirm(question, default=needed is not None, err=True):
        if needed:
            example = f"launchkit queue template {shell_word(kind)}"
            hint = f"{example} prints one to edit; give it as --config FILE"
            raise Rejected(f"a queue of {kind} needs a config:\n{needed}", hint=hint)
        return {}
    draft = drafts.enter_context(editor.draft(runner.starter_config()))
    return editor.edited(draft, partial(_read, runner))


def _why_needed(runner: type[Runner]) -> str | None:
    """What a runner says of an empty config; None if it will do."""
    try:
        runner.check_args({})
    except Rejected as exc:
        return exc.message
    return None


def _read(runner: type[Runner], text: str) -> Json:
    document = parse_mapping(text, "config")
    data = require_mapping(document)
    if fields := find_variables(data):
        raise undefined(fields, "config")
    with ConfigPlaces(data, document.locate, runner.names()).given():
        runner.check_args(data)
    return data
