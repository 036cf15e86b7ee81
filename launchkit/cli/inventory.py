"""`launchkit plugins`: what there is."""

import click

from launchkit.cli.lazy import plugin_commands
from launchkit.cli.options import output_option, say
from launchkit.cli.output import Column, Layout, get, show_all
from launchkit.cli.present import Data
from launchkit.plugins import Plugins


def _kinds(row: Data) -> str:
    """Each kind, with its other words in brackets."""
    others = {kind: f" ({', '.join(words)})" for kind, words in row["aliases"].items()}
    return ", ".join(kind + others.get(kind, "") for kind in row["kinds"])


def _trouble(row: Data) -> str:
    return row["error"] or "; ".join(row["problems"])


PLUGINS = Layout(
    (
        Column("NAME", get("name")),
        Column("VERSION", get("version")),
        Column("SOURCE", get("source")),
        Column("KINDS", _kinds),
        Column("PROBLEM", _trouble),
    ),
    name="name",
)


@click.command()
@output_option
def plugins(form: str) -> None:
    """List plugins and what they provide.

    LAUNCHKIT_BLOCK_PLUGINS leaves some out, LAUNCHKIT_TRACE_PLUGINS shows each call of a hook.
    """
    found = Plugins()
    rows = [
        {
            "name": info.name,
            "version": info.version,
            "source": info.source,
            "kinds": list(info.kinds),
            "aliases": {kind: list(words) for kind, words in info.aliases.items()},
            "error": info.error,
            "problems": list(info.problems),
        }
        for info in found.infos()
    ]
    show_all(rows, form, PLUGINS)
    commands = sorted(plugin_commands(found))
    if commands:
        say(f"commands of plugins: {', '.join(commands)}")
