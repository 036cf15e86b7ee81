"""Options that select launches."""

from collections.abc import Callable, Collection
from typing import Any, TypeVar

import click

from launchkit.cli.names import agent_names, queue_names
from launchkit.model import ItemState

F = TypeVar("F", bound=Callable[..., Any])


def queue_option(command: F) -> F:
    """-q/--queue."""
    return click.option(
        "-q", "--queue", metavar="NAME", help="Of one queue.", shell_complete=queue_names
    )(command)


def state_option(command: F) -> F:
    """--state, as often as wanted."""
    return click.option(
        "--state",
        "states",
        multiple=True,
        type=click.Choice([state.value for state in ItemState]),
        callback=_states,
        help="In this state; repeat it for more.",
    )(command)


def filter_options(command: F) -> F:
    """--author, --agent and --name, and whose launches to leave out."""
    for option in (
        click.option("--name", metavar="PATTERN", help="Of such a name: 'sweep-*'."),
        click.option(
            "--agent",
            metavar="NAME",
            help="That this agent holds or held.",
            shell_complete=agent_names,
        ),
        click.option("--not-author", metavar="NAME", help="Of anybody but this author."),
        click.option("--author", metavar="NAME", help="Of one author."),
        click.option(
            "--not-queue",
            metavar="NAME",
            help="Of any queue but this one.",
            shell_complete=queue_names,
        ),
    ):
        command = option(command)
    return command


def _states(
    _context: click.Context, _param: click.Parameter, words: Collection[str]
) -> Collection[ItemState] | None:
    return [ItemState(word) for word in words] or None
