"""`launchkit plugins` and `launchkit agents`: what there is."""

import click

from launchkit.cli.lazy import plugin_commands
from launchkit.cli.options import common_options, output_option, say
from launchkit.cli.output import Column, Layout, get, show_all
from launchkit.cli.present import Data, agent_data
from launchkit.cli.session import with_client
from launchkit.client import Client
from launchkit.plugins import Plugins


def _kinds(row: Data) -> str:
    """Each kind, with its other words in brackets."""
    others = {kind: f" ({', '.join(words)})" for kind, words in row["aliases"].items()}
    return ", ".join(kind + others.get(kind, "") for kind in row["kinds"])


PLUGINS = Layout(
    (
        Column("NAME", get("name")),
        Column("VERSION", get("version")),
        Column("SOURCE", get("source")),
        Column("KINDS", _kinds),
        Column("PROBLEM", get("error")),
    ),
    name="name",
)
AGENTS = Layout(
    (
        Column("NAME", get("name")),
        Column("ONLINE", get("online")),
        Column("HOST", get("host")),
        Column("QUEUES", get("queues")),
        Column("HELD", get("held")),
        Column("MAX", get("max_jobs")),
        Column("DOING", get("doing")),
    ),
    name="name",
)


@click.command()
@output_option
def plugins(form: str) -> None:
    """List plugins and what they provide.

    LAUNCHKIT_BLOCK_PLUGINS leaves some out, LAUNCHKIT_TRACE_PLUGINS shows each call of a hook.
    """
    rows = [
        {
            "name": info.name,
            "version": info.version,
            "source": info.source,
            "kinds": list(info.kinds),
            "aliases": {kind: list(words) for kind, words in info.aliases.items()},
            "error": info.error,
        }
        for info in Plugins().infos()
    ]
    show_all(rows, form, PLUGINS)
    commands = sorted(plugin_commands())
    if commands:
        say(f"commands of plugins: {', '.join(commands)}")


@click.command()
@output_option
@common_options
@with_client
async def agents(client: Client, form: str) -> None:
    """List the agents that were seen lately."""
    show_all([agent_data(view) for view in await client.agents()], form, AGENTS)
