"""The token for a queue service: where it is kept, and how it is found. Never in argv."""

import os
from collections.abc import Mapping
from pathlib import Path

from launchkit.codec import decode
from launchkit.document import is_file, read_document
from launchkit.errors import ConfigError
from launchkit.home import expanded
from launchkit.model import Secret

MAX_TOKEN = 512


def tokens_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Where `launchkit login` keeps the tokens of this user: JSON, from a server's URL to its
    token, readable for the user alone.
    """
    given = Path(environ.get("XDG_CONFIG_HOME", ""))
    home = Path(environ.get("HOME") or Path.home())
    return (given if given.is_absolute() else home / ".config") / "launchkit" / "tokens.json"


def server_of(url: str) -> str:
    """The URL of a server as the file of tokens has it."""
    return url.rstrip("/")


def find_token(
    url: str,
    *,
    token: str | None = None,
    token_file: Path | str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Secret | None:
    """The token for the server at *url*: from LAUNCHKIT_TOKEN, LAUNCHKIT_TOKEN_FILE, the settings
    *token* and *token_file*, or what `launchkit login` has kept; the first that there is. Reads
    files.

    :raises ConfigError: if what is found is no token, or a file that is named cannot be read.
    """
    if text := environ.get("LAUNCHKIT_TOKEN", "").strip():
        return _token(text, "$LAUNCHKIT_TOKEN")
    if name := environ.get("LAUNCHKIT_TOKEN_FILE", "").strip():
        return _in_file(Path(name), "$LAUNCHKIT_TOKEN_FILE")
    if token:
        return _token(token, "token")
    if token_file:
        return _in_file(Path(token_file), "token-file")
    return _kept(url, tokens_file(environ))


def token_place(token_file: Path | str | None, environ: Mapping[str, str]) -> Path | None:
    """The file that the token is in, if it is in one."""
    if environ.get("LAUNCHKIT_TOKEN", "").strip():
        return None
    named = environ.get("LAUNCHKIT_TOKEN_FILE", "").strip() or token_file
    return expanded(named) if named else tokens_file(environ)


def _in_file(path: Path, source: str) -> Secret:
    path = expanded(path)
    try:
        with path.open("rb") as file:
            text = file.read(2 * MAX_TOKEN)
    except OSError as exc:
        raise ConfigError(f"{source}: {path} cannot be read: {exc.strerror}") from exc
    return _token(text.decode("utf-8", "replace").strip(), f"{source}: {path}")


def _kept(url: str, path: Path) -> Secret | None:
    if not is_file(path):
        return None
    tokens = decode(Mapping[str, Secret], read_document(path).data)
    token = tokens.get(server_of(url))
    return None if token is None else _token(token, str(path))


def _token(text: str, source: str) -> Secret:
    if not text or len(text) > MAX_TOKEN or not text.isascii() or not text.isprintable():
        raise ConfigError(
            f"{source}: holds no token, which is one word of at most {MAX_TOKEN} letters",
            hint="get one with: launchkit login",
        )
    return Secret(text)
