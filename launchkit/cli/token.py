"""`launchkit token`: make, list and revoke what proves who asks. A secret is shown once."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeVar

import click

from launchkit.cli.desk import Desk, desk
from launchkit.cli.options import common_options, duration, output_option, say
from launchkit.cli.output import Column, Layout, get, show_all, show_one
from launchkit.cli.present import Data, moment
from launchkit.errors import Conflict, Unreachable
from launchkit.model.people import Token
from launchkit.store.tokens import (
    CreateAgentToken,
    CreateToken,
    ListTokens,
    NewToken,
    RevokeToken,
)
from launchkit.store.webhooks import NewWebhook

T = TypeVar("T", NewToken, NewWebhook)
_COLUMNS = (
    Column("ID", get("id")),
    Column("OWNER", get("owner")),
    Column("QUEUES", get("queues")),
    Column("EXPIRES", get("expires_at")),
)
NEW = Layout((*_COLUMNS, Column("SECRET", get("secret"))), name="secret")
TOKENS = Layout(
    (*_COLUMNS, Column("REVOKED", get("revoked_at")), Column("USED", get("used_at"))), name="id"
)


@click.group()
def token() -> None:
    """Make, list and revoke tokens."""


@token.command("create")
@click.argument("owner", required=False)
@click.option("--agent", metavar="NAME", help="For an agent, instead of a user or a service.")
@click.option("-q", "--queue", "queues", multiple=True, help="A queue of the agent; repeat it.")
@click.option("--expires", metavar="TIME", help="How long it counts, such as 30d.")
@click.option(
    "--token-out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the secret to a new FILE for you alone, and show nothing of it.",
)
@output_option
@common_options
def create(
    owner: str | None,
    agent: str | None,
    queues: tuple[str, ...],
    expires: str | None,
    token_out: Path | None,
    form: str,
) -> None:
    """Make a token for OWNER, a user or a service; or for an agent, bound to queues.

    Its secret is shown once and stored nowhere.
    """
    if (owner is None) == (agent is None) or bool(queues) != bool(agent):
        raise click.UsageError("name a user or service; or --agent NAME with --queue")
    until = time.time() + duration(expires) if expires else None
    at = desk()
    if token_out is None:
        made = _create(at, owner, agent, queues, until)
        show_one({**_data(made.token), "secret": str(made.secret)}, form, NEW)
        say("the secret is not shown again")
        return
    made = kept(token_out, lambda: _create(at, owner, agent, queues, until))
    show_one(_data(made.token), form, TOKENS)


@token.command("list")
@output_option
@common_options
def list_tokens(form: str) -> None:
    """List tokens, also those that count no more; never a secret."""
    show_all([_data(one) for one in desk().do(ListTokens())], form, TOKENS)


@token.command("revoke")
@click.argument("token_id", metavar="ID")
@common_options
def revoke(token_id: str) -> None:
    """Make a token count no more, at once."""
    at = desk()
    gone = at.do(RevokeToken(token_id, at.actor))
    say(f"token {gone.id} of {gone.owner} is revoked")


def kept(path: Path, make: Callable[[], T]) -> T:
    """Make what has a secret, and write that to a new file for the user alone.

    :raises Conflict: if the file exists.
    :raises Unreachable: if it cannot be written; nothing is made then.
    """
    with _private(path) as file:
        made = make()
        file.write(f"{made.secret}\n")
    return made


def _create(
    at: Desk, owner: str | None, agent: str | None, queues: tuple[str, ...], until: float | None
) -> NewToken:
    if agent is not None:
        return at.do(CreateAgentToken(agent, at.entity, queues, at.actor, until))
    return at.do(CreateToken(owner or "", at.actor, until))


@contextmanager
def _private(path: Path) -> Iterator[IO[str]]:
    """A new file for the user alone, made before there is a secret; it goes if that fails."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError as exc:
        raise Conflict(f"{path} exists", hint="name another file") from exc
    except OSError as exc:
        raise Unreachable(f"{path} cannot be written: {exc.strerror}") from exc
    try:
        with os.fdopen(handle, "w") as file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _data(token: Token) -> Data:
    return {
        "id": token.id,
        "owner": token.owner,
        "kind": token.kind.value,
        "entity": token.entity,
        "queues": list(token.queues),
        "created_at": moment(token.created_at),
        "created_by": token.created_by,
        "expires_at": moment(token.expires_at),
        "revoked_at": moment(token.revoked_at),
        "used_at": moment(token.used_at),
    }
