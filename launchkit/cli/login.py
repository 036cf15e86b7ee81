"""`launchkit login` and `logout`: the token of this user for a queue service."""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import IO

import click

from launchkit.builtin.http.tokens import server_of, tokens_file
from launchkit.cli.options import common_options, may_ask, say
from launchkit.cli.session import loaded_settings
from launchkit.codec import decode
from launchkit.document import is_file, read_document
from launchkit.errors import ConfigError, NotFound, Unreachable
from launchkit.private_files import make_folder

MAX_TOKEN = 512


@click.command()
@click.argument("url", required=False)
@click.option(
    "--token-file",
    metavar="FILE|-",
    type=click.File("r", encoding="utf-8", errors="replace"),
    help="Read the token from FILE, or from standard input.",
)
@common_options
def login(url: str | None, token_file: IO[str] | None) -> None:
    """Keep your token for a queue service: the one at URL, or the chosen backend.

    It is asked for without being shown. From a pipe it is read as it is.
    """
    server = _server(url)
    token = _token(token_file)
    tokens = _kept()
    tokens[server] = token
    _keep(tokens)
    say(f"the token for {server} is kept in {tokens_file()}")


@click.command()
@click.argument("url", required=False)
@common_options
def logout(url: str | None) -> None:
    """Forget your token for a queue service; it is not revoked."""
    server = _server(url)
    tokens = _kept()
    if tokens.pop(server, None) is None:
        raise NotFound(f"no token for {server} is kept in {tokens_file()}")
    _keep(tokens)
    say(f"the token for {server} is forgotten here; launchkit token revoke makes it void")


def _server(url: str | None) -> str:
    if url is None:
        url = loaded_settings(for_agent=False).settings.backend_url()
    scheme, _, rest = url.partition("://")
    if scheme not in {"http", "https"} or not rest or "@" in rest.split("/")[0]:
        raise ConfigError(
            f"a login is for a queue service, such as https://queue.example.com, not {scheme}:…",
            hint="launchkit login URL, without a name or a password in it",
        )
    return server_of(url)


def _token(file: IO[str] | None) -> str:
    if file is None and sys.stdin.isatty():
        may_ask("give the token on standard input")
        text = click.prompt("token", hide_input=True, err=True)
    else:
        text = (file or sys.stdin).read(2 * MAX_TOKEN)
    text = text.strip()
    if not text or len(text) > MAX_TOKEN or not text.isascii() or not text.isprintable():
        raise ConfigError(f"that is no token, which is one word of at most {MAX_TOKEN} letters")
    return str(text)


def _kept() -> dict[str, str]:
    path = tokens_file()
    return decode(dict[str, str], read_document(path).data) if is_file(path) else {}


def _keep(tokens: dict[str, str]) -> None:
    path = tokens_file()
    try:
        make_folder(path.parent)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".tokens.")  # mode 0600
        part = Path(name)
        try:
            with os.fdopen(handle, "w") as file:
                json.dump(tokens, file, indent=2)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except OSError as exc:
        raise Unreachable(f"{path} cannot be written: {exc.strerror}") from exc
