"""The first start: an administrator is made, whose token is shown once and not kept."""

import os
from pathlib import Path

import anyio.to_thread

from launchkit.errors import ConfigError
from launchkit.home import expanded
from launchkit.model import Secret
from launchkit.private_files import write_new
from launchkit.store.database import Database
from launchkit.store.tokens import FirstAdministrator
from launchkit_server.disk_room import room_for


async def first_token(database: Database, token_file: Path | None) -> Secret | None:
    """The token of the first administrator, if one was made now and it is to be shown: it is
    written to *token_file* (mode 0600) instead, if that is given.

    :raises ConfigError: if *token_file* cannot be written; nobody is made then.
    :raises Unreachable: if there is no room for it; nor is anybody then.
    """
    if token_file is None:
        made = await database.write(FirstAdministrator())
        return made.secret if made else None
    beside = await anyio.to_thread.run_sync(_begin, token_file)
    made = await database.write(FirstAdministrator())
    await anyio.to_thread.run_sync(_end, beside, token_file, made.secret if made else None)
    return None


def _begin(path: Path) -> Path:
    """A file beside *path* that only its owner can read: a full disk or a missing right shows
    before the token is made, which is told once.
    """
    path = expanded(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.unlink(missing_ok=True)
        with room_for(f"the first administrator's token {path}"):
            write_new(beside, b" " * 128, lasting=True)
    except OSError as exc:
        raise ConfigError(f"--admin-token-file: {path}: {exc.strerror}") from exc
    return beside


def _end(beside: Path, path: Path, secret: Secret | None) -> None:
    if secret is None:
        beside.unlink()
        return
    beside.write_text(f"{str.__str__(secret)}\n")
    beside.replace(expanded(path))
