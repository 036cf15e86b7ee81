"""`launchkit store`: the databases that queues live in."""

import click

from launchkit.cli.options import chosen, common_options
from launchkit.cli.session import run
from launchkit.errors import ConfigError
from launchkit.settings import load_settings
from launchkit.store.copy import move
from launchkit.store.postgres import migrate, without_password
from launchkit.store.sqlite import file_of, prepare


@click.group()
def store() -> None:
    """Upgrade a database, or move a queue to another one."""


@store.command("migrate")
@common_options
def migrate_command() -> None:
    """Bring the queue's database to this version of launchkit.

    A PostgreSQL database is upgraded by this command only, a SQLite file whenever it is opened.
    """
    flags = {"backend": chosen("backend")}
    url = load_settings(chosen("config"), flags=flags, for_agent=False).settings.backend_url()
    if url.startswith("sqlite:"):
        prepare(file_of(url))
        click.echo(f"{url} is up to date", err=True)
        return
    if not url.startswith(("postgresql:", "postgres:")):
        raise ConfigError(f"{without_password(url)}: only SQLite and PostgreSQL have a schema here")
    version = run(lambda: migrate(url))
    click.echo(f"{without_password(url)} is up to date, schema {version}", err=True)


@store.command("copy")
@click.argument("source", metavar="SQLITE_URL")
@click.argument("target", metavar="POSTGRESQL_URL")
def copy_command(source: str, target: str) -> None:
    """Move a live queue from a SQLite file to an empty PostgreSQL database.

    From then on the file refuses writes and names its new place. Agents that use it go on with
    what they run; stop them, and start them with the new URL: runs are found again. A move that
    was cut short is repeated with the same command.
    """
    if not target.startswith(("postgresql:", "postgres:")):
        raise ConfigError(f"{without_password(target)}: the target is written postgresql://…")
    counts = run(lambda: move(file_of(source), target))
    told = ", ".join(f"{number} {table}" for table, number in counts.items() if number)
    click.echo(f"moved to {without_password(target)}: {told or 'nothing, it was empty'}", err=True)
