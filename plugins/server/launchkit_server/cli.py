"""`launchkit server`."""

import logging
from pathlib import Path

import anyio
import anyio.to_thread
import click

from launchkit.codec import let_pydantic_look
from launchkit.errors import ConfigError, unwrapped
from launchkit.plain_log import PlainLines
from launchkit.private_files import make_folder
from launchkit.resolving.wide_settings import wide_settings
from launchkit.store.access import look_at
from launchkit.store.opening import database_of
from launchkit.store.sqlite_file import file_of
from launchkit.wide_files import wide_folder, wide_secrets
from launchkit_server.config import ServerConfig, load_config

logger = logging.getLogger("launchkit.server")

SUBJECT = "launchkit server"
TOLD = ("launchkit", "uvicorn")
"""Whose log is told from INFO on, and of others from WARNING on."""
PATIENCE_SECONDS = 10.0
"""How long a request waits for a database that is away: less than clients wait for an answer."""


@click.group(invoke_without_command=True)
@click.pass_context
@click.option("--host", help="The address to listen at; 127.0.0.1 without it.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="The port; 8700 without it, and 0 takes a free one.",
)
@click.option("--database", metavar="URL", help="sqlite:///PATH or postgresql://…")
@click.option("--data", metavar="DIR", help="Where the service keeps what it must not lose.")
@click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="Its settings.")
@click.option(
    "--admin-token-file",
    metavar="FILE",
    help="Write the first administrator's token there, instead of showing it.",
)
@click.option("--tls-cert", metavar="FILE", help="A certificate: the service speaks HTTPS.")
@click.option("--tls-key", metavar="FILE", help="The certificate's key.")
@click.option(
    "--trusted-proxies",
    metavar="NETWORKS",
    help="Proxies in front, such as 10.0.0.0/8: what they say of the client's address counts.",
)
@click.option(
    "--root-path",
    metavar="PATH",
    help="The path under which a proxy shows the service, such as /launchkit.",
)
@click.option(
    "--blobs", metavar="URL", help="Where packed code is kept: a folder, s3://…, gs://…, az://…"
)
def server(context: click.Context, /, config: Path | None, **flags: object) -> None:
    """Serve the queues to many machines, over HTTP."""
    let_pydantic_look()  # FastAPI has schemas made as it is imported
    _begin_log()
    context.obj = load_config(flags, config)
    if context.invoked_subcommand is None:
        with unwrapped():
            anyio.run(_serve, context.obj, config)


@server.command()
@click.pass_obj
def gc(config: ServerConfig) -> None:
    """Remove code that nothing refers to; move old logs to the blobs.

    Uploads that were given up go, too. The service does it by itself, too, once an hour.
    """
    with unwrapped():
        anyio.run(_collect, config)


async def _collect(config: ServerConfig) -> None:
    from launchkit_server.blobs import blobs_of
    from launchkit_server.collecting import collect

    database = database_of(config.database)
    blobs = blobs_of(config.blobs) if config.blobs else None
    async with database.opened():
        done = await collect(database, blobs, config.unused_seconds)
    click.echo(done.told())


async def _serve(config: ServerConfig, file: Path | None) -> None:
    from launchkit_server.blobs import blobs_of
    from launchkit_server.collecting import collect_often
    from launchkit_server.door import door_of
    from launchkit_server.first_start import first_token
    from launchkit_server.key_file import KeyFile
    from launchkit_server.oidc.opening import provider_of
    from launchkit_server.postman import Postman
    from launchkit_server.process import listening, serve, url_of
    from launchkit_server.service import Service
    from launchkit_server.telling import tell_webhooks

    await anyio.to_thread.run_sync(_make_folder, config.data)
    door = await anyio.to_thread.run_sync(door_of, config)
    provider = await anyio.to_thread.run_sync(provider_of, config)
    postman = await anyio.to_thread.run_sync(Postman)
    key_file = KeyFile(config.webhook_key)
    await key_file.read()
    database = database_of(
        config.database, direct=config.database_direct, patience=PATIENCE_SECONDS
    )
    blobs = blobs_of(config.blobs) if config.blobs else None
    if blobs:
        await blobs.check()
    with listening(config.host, config.port) as made:
        async with database.opened():
            await anyio.to_thread.run_sync(_tell_of_wide_files, config, file)
            token = await first_token(database, config.admin_token_file)
            click.echo(f"The queue service is at {url_of(made, door.scheme)}")
            if token:
                shown = str.__str__(token)
                click.echo(f"The administrator's token, which is shown only now: {shown}")
            service = Service(
                database=database,
                webhook_key=key_file,
                blobs=blobs,
                max_archive=config.max_archive,
                oidc=provider,
                lease=config.lease,
            )
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(collect_often, service, config.unused_seconds)
                tasks.start_soon(tell_webhooks, database, key_file, postman)
                await serve(service, made, door)
                tasks.cancel_scope.cancel()


def _tell_of_wide_files(config: ServerConfig, file: Path | None) -> None:
    """Warn of what every user of this machine may read, change or replace."""
    from launchkit_server.blobs import folder_of

    found = wide_secrets(config.secret_files(), SUBJECT)
    found += wide_settings(file, SUBJECT) if file else ()
    if (folder := folder_of(config.blobs or "")) and (one := wide_folder(folder, SUBJECT)):
        found.append(one)
    if config.database.startswith("sqlite:") and (database := look_at(file_of(config.database))):
        found.append(database)
    for one in found:
        logger.warning("%s; do: %s", one.message, one.hint)


def _make_folder(data: Path) -> None:
    """:raises ConfigError: if the directory cannot be made."""
    try:
        make_folder(data)
    except OSError as exc:
        raise ConfigError(f"--data: {exc.filename or data}: {exc.strerror}") from exc


def _begin_log() -> None:
    """Each line of the log has the id of the request that it is about."""
    from launchkit_server.envelope import request_id

    def name_request(record: logging.LogRecord) -> bool:
        record.request = request_id.get()
        return True

    handler = logging.StreamHandler()
    handler.addFilter(name_request)
    form = "%(asctime)s %(levelname)s %(name)s %(request)s %(message)s"
    handler.setFormatter(PlainLines(form))
    logging.basicConfig(handlers=[handler])
    for name in TOLD:  # of what others do, such as httpx, addresses with secrets would be told
        logging.getLogger(name).setLevel(logging.INFO)
