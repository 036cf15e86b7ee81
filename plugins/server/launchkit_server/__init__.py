"""launchkit's queue service: `launchkit server`."""

from typing import TYPE_CHECKING

from launchkit.hookspecs import hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def launchkit_commands(group: "click.Group") -> None:
    """Add the command."""
    from launchkit_server.cli import server

    group.add_command(server)
