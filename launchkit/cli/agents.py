"""`launchkit agents`: which there are, and what people want of them."""

import click

from launchkit.abc import AgentChange, Drain, PauseAgent, ResumeAgent
from launchkit.cli.names import agent_names
from launchkit.cli.options import common_options, output_option
from launchkit.cli.output import Column, Layout, get, show_all
from launchkit.cli.present import Data, agent_data
from launchkit.cli.session import with_client, with_reader
from launchkit.client import Client


def _online(row: Data) -> str:
    word = "draining" if row["draining"] else "yes"
    words = [word if row["online"] else "no", "paused" if row["paused"] else ""]
    return ", ".join(filter(None, words)).removeprefix("yes, ")


LAYOUT = Layout(
    (
        Column("NAME", get("name")),
        Column("ONLINE", _online),
        Column("HOST", get("host")),
        Column("QUEUES", get("queues")),
        Column("HELD", get("held")),
        Column("MAX", get("max_jobs")),
        Column("DOING", get("doing")),
    ),
    name="name",
    fill="no agent was seen lately; start one: launchkit agent -q QUEUE",
)
name_argument = click.argument("name", shell_complete=agent_names)


@click.group(invoke_without_command=True)
@output_option
@common_options
@click.pass_context
def agents(context: click.Context, form: str) -> None:
    """List the agents that were seen lately, and those that are paused."""
    if context.invoked_subcommand is None:
        _list(form)


@agents.command()
@name_argument
@output_option
@common_options
def drain(name: str, form: str) -> None:
    """Let an agent claim nothing more, and end when what it has under way has ended."""
    _change(name, Drain(), form)


@agents.command()
@name_argument
@click.option("--reason", required=True, metavar="TEXT", help="Why, for those who wonder.")
@output_option
@common_options
def pause(name: str, reason: str, form: str) -> None:
    """Give an agent nothing more until it is resumed, also when it is started again.

    What it has under way goes on, and is given back to it when it was killed and is started again.
    """
    _change(name, PauseAgent(reason=reason), form)


@agents.command()
@name_argument
@output_option
@common_options
def resume(name: str, form: str) -> None:
    """Give an agent that is paused launches again."""
    _change(name, ResumeAgent(), form)


@with_reader
async def _list(client: Client, form: str) -> None:
    show_all([agent_data(view) for view in await client.agents()], form, LAYOUT)


@with_client
async def _change(client: Client, name: str, change: AgentChange, form: str) -> None:
    await client.change_agent(name, change)
    views = [view for view in await client.agents() if view.status.name == name]
    show_all([agent_data(view) for view in views], form, LAYOUT)
