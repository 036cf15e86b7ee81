"""`launchkit store`: the databases that queues live in."""

from pathlib import Path

import click

from launchkit.addresses import masked_url
from launchkit.cli.absent import no_file
from launchkit.cli.door import put_text
from launchkit.cli.options import common_options, duration, say
from launchkit.cli.session import loaded_settings, run
from launchkit.errors import ConfigError
from launchkit.store.backup import back_up, restore
from launchkit.store.connecting import migrate
from launchkit.store.copy import move
from launchkit.store.opening import database_of
from launchkit.store.prune import Boundary, Count, prune
from launchkit.store.sqlite_file import file_of, prepare
from launchkit.store.vanished import is_new

POSTGRESQL = ("postgresql:", "postgres:")


@click.group()
def store() -> None:
    """Upgrade a database, back it up, remove old launches, or move a queue to another one."""


def _backend() -> str:
    return loaded_settings(for_agent=False).settings.backend_url()


def _own_file(postgresql: str) -> Path:
    """The queue's file; the hint *postgresql* says what to do where it is no file."""
    url = _backend()
    if url.startswith("sqlite:"):
        return file_of(url)
    if url.startswith(POSTGRESQL):
        raise ConfigError(
            f"{masked_url(url)}: backups of PostgreSQL are made and restored by its programs",
            hint=postgresql,
        )
    raise ConfigError(f"{masked_url(url)}: only a SQLite file can be backed up here")


@store.command("migrate")
@common_options
def migrate_command() -> None:
    """Bring the queue's database to this version of launchkit.

    A PostgreSQL database is upgraded by this command only, a SQLite file whenever it is opened.
    """
    url = _backend()
    if url.startswith("sqlite:"):
        prepare(file_of(url))
        put_text(f"{url} is up to date", err=True)
        return
    if not url.startswith(POSTGRESQL):
        raise ConfigError(f"{masked_url(url)}: only SQLite and PostgreSQL have a schema here")
    version = run(lambda: migrate(url))
    put_text(f"{masked_url(url)} is up to date, schema {version}", err=True)


@store.command("copy")
@click.argument("source", metavar="SQLITE_URL")
@click.argument("target", metavar="POSTGRESQL_URL")
def copy_command(source: str, target: str) -> None:
    """Move a live queue from a SQLite file to an empty PostgreSQL database.

    From then on the file refuses writes and names its new place. Agents that use it go on with
    what they run; stop them, and start them with the new URL: runs are found again. A move that
    was cut short is repeated with the same command.
    """
    if not target.startswith(POSTGRESQL):
        raise ConfigError(f"{masked_url(target)}: the target is written postgresql://…")
    path = file_of(source)
    if is_new(path):
        raise no_file(path)
    counts = run(lambda: move(path, target))
    told = ", ".join(f"{number} {table}" for table, number in counts.items() if number)
    put_text(f"moved to {masked_url(target)}: {told or 'nothing, it was empty'}", err=True)


@store.command("backup")
@click.argument("target", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@common_options
def backup_command(target: Path, force: bool) -> None:
    """Write all that is in the queue's SQLite file into FILE, while agents run.

    FILE appears when it is whole, synced to the disk and checked.
    """
    path = _own_file(
        "pg_dump --format=custom --file=FILE DATABASE makes one, also while agents run"
    )
    back_up(path, target, force=force)
    say(f"{path} is backed up in {target}")


@store.command("restore")
@click.argument(
    "source", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@common_options
def restore_command(source: Path) -> None:
    """Put a backup in the place of the queue's SQLite file; stop all agents first, also those of a
    queue service, which are not seen here. All queues are paused then.

    What is replaced is kept in a directory beside it, which is named. FILE stays as it is.
    """
    path = _own_file(
        "stop the agents; pg_restore --clean --if-exists --dbname=DATABASE FILE puts one back; then"
        " launchkit store migrate"
    )
    kept = restore(path, source)
    replaced = f"; what it was is kept in {kept}" if kept else ""
    say(f"{path} is restored from {source}{replaced}")
    say("its queues are paused: see what still runs, or has run, then launchkit queue resume QUEUE")
    say("tokens, roles and sessions that were taken away since the backup count again")


@store.command("prune")
@click.option(
    "--older-than", type=duration, metavar="TIME", help="What ended so long ago, such as 30d."
)
@click.option(
    "--keep", type=click.IntRange(min=0), metavar="N", help="All but the N that ended last."
)
@click.option("--dry-run", is_flag=True, help="Only say how many there are.")
@common_options
def prune_command(older_than: float | None, keep: int | None, dry_run: bool) -> None:
    """Remove launches that have ended, with their events, logs and outputs, while agents run.

    With both options goes what either names. What waits or is under way always stays.
    """
    if older_than is None and keep is None:
        raise click.UsageError("say what is to go, with --older-than TIME or --keep N")
    url = _backend()
    if not url.startswith(("sqlite:", *POSTGRESQL)):
        raise ConfigError(
            f"{masked_url(url)}: only a database can be pruned",
            hint="name the database that the queue service stands before with --backend",
        )
    if url.startswith("sqlite:") and is_new(file_of(url)):
        raise no_file(file_of(url))
    number = run(lambda: _pruned(url, Boundary(older_than, keep), dry_run=dry_run))
    say(f"{number} launches {'would go' if dry_run else 'are removed'}")


async def _pruned(url: str, boundary: Boundary, *, dry_run: bool) -> int:
    database = database_of(url)
    async with database.opened():
        before = await database.read(boundary)
        if before is None:
            return 0
        return await (database.read(Count(before)) if dry_run else prune(database, before))
