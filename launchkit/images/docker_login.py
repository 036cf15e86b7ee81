"""Logins out of Docker's configuration: its file, and the programs that keep them for it.

See https://docs.docker.com/reference/cli/docker/login/#credential-stores.
"""

import base64
import json
import os
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

import anyio
from anyio.to_thread import run_sync

from launchkit.errors import LaunchError
from launchkit.images.login import login_key, registry_of
from launchkit.model import Credentials, Secret
from launchkit.resolving.secret_places import secrets_in
from launchkit.shell_words import shell_command, shell_word

HELPER_SECONDS = 30.0
NOT_FOUND = "credentials not found"
WRITES_IT = "`docker login` writes it"
_TEXTS = ("identitytoken", "auth", "username", "password")


async def docker_login(host: str) -> Credentials | None:
    """The login for the registry *host*: of its own helper, the store of all, or the file.

    :raises LaunchError: if the file cannot be read, or a helper does not work.
    """
    path = config_path()
    config = await run_sync(_read, path)
    helpers, logins = _section(config, "credHelpers", path), _section(config, "auths", path)
    helper = _entry(helpers, host) or config.get("credsStore")
    found = await _ask(str(helper), host) if helper else None
    return found or _decode(_entry(logins, host), path)


def config_path() -> Path:
    """Where Docker's configuration is, or would be."""
    folder = os.environ.get("DOCKER_CONFIG")
    return (Path(folder) if folder else Path.home() / ".docker") / "config.json"


def kept_logins() -> dict[Path, str]:
    """The file if there are logins or other secrets in it, and what it holds. Reads it."""
    path = config_path()
    try:
        config = _read(path)
        holds = any(_section(config, "auths", path).values()) or secrets_in(config)
    except LaunchError:  # told by whoever needs a login; it may hold some
        holds = True
    return {path: "logins to registries"} if holds else {}


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as exc:
        raise LaunchError(f"{path}: cannot be read: {exc.strerror}") from exc
    except (ValueError, RecursionError) as exc:
        raise LaunchError(f"{path}: is not JSON", hint=WRITES_IT) from exc
    return data if isinstance(data, dict) else {}


def _section(config: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    section = config.get(name) or {}
    if not isinstance(section, dict):
        raise LaunchError(f"{path}: {name}: must be a mapping", hint=WRITES_IT)
    return section


def _entry(section: dict[str, Any], host: str) -> Any:
    """What there is for a registry: by its own name first, else by one that stands for it, as those
    are that old programs have written.
    """
    for key in (login_key(host), host):
        if section.get(key):
            return section[key]
    return next((value for key, value in section.items() if registry_of(key) == host), None)


def _decode(entry: Any, path: Path) -> Credentials | None:
    if not isinstance(entry, dict):
        return None
    if wrong := [key for key in _TEXTS if not isinstance(entry.get(key) or "", str)]:
        raise LaunchError(
            f"{path}: {wrong[0]} of an entry under auths must be text", hint=WRITES_IT
        )
    if entry.get("identitytoken"):
        return Credentials(username=Credentials.IDENTITY, password=Secret(entry["identitytoken"]))
    if entry.get("auth"):
        try:
            user, _, password = (
                base64.b64decode(entry["auth"], validate=True).decode().partition(":")
            )
        except ValueError:
            raise LaunchError(
                f"{path}: an entry under auths cannot be decoded", hint="do `docker login` again"
            ) from None
        return Credentials(username=user, password=Secret(password.rstrip("\0")))
    if entry.get("username") and entry.get("password"):
        return Credentials(username=entry["username"], password=Secret(entry["password"]))
    return None


async def _ask(helper: str, host: str) -> Credentials | None:
    """Run `docker-credential-HELPER get`; the secret comes through its standard output."""
    program = f"docker-credential-{helper}"
    try:
        with anyio.fail_after(HELPER_SECONDS):
            done = await anyio.run_process(
                [program, "get"], input=login_key(host).encode(), stderr=DEVNULL, check=False
            )
    except TimeoutError:
        raise LaunchError(
            f"{program}: gave no login for {host} within {HELPER_SECONDS:g} seconds",
            hint="it may wait for a person; run it by hand",
        ) from None
    except OSError as exc:
        raise LaunchError(
            f"{program}: cannot be run: {exc.strerror}",
            hint=f"{config_path()} names it; install it, or take it out there",
        ) from exc
    if done.returncode != 0:
        told = done.stdout.decode(errors="replace").strip()
        if NOT_FOUND in told:
            return None
        line = f"echo {shell_word(login_key(host))} | {shell_command(program, 'get')}"
        raise LaunchError(
            f"{program}: gave no login for {host} (exit code {done.returncode})",
            hint=f"run it by hand: {line}",
        )
    return _parse(done.stdout, program, host)


def _parse(output: bytes, program: str, host: str) -> Credentials:
    try:
        data = json.loads(output)
        return Credentials(username=data["Username"], password=Secret(data["Secret"]))
    except (ValueError, LookupError, TypeError):
        raise LaunchError(
            f"{program}: its answer for {host} is no login",
            hint="it must be JSON with ServerURL, Username and Secret",
        ) from None
