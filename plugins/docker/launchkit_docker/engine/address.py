"""Which Engine is meant: the one place that reads what names it, by the rules of the CLI `docker`.

`DOCKER_HOST` counts before a context (https://docs.docker.com/engine/manage-resources/contexts/).
"""

import hashlib
import json
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from launchkit.addresses import masked_address
from launchkit.aio.tls_records import by_records
from launchkit.errors import ConfigError
from launchkit.own_certificate import show_certificate
from launchkit.plain_text import shortened

SOCKET = "/var/run/docker.sock"
PLAIN_PORT, TLS_PORT = 2375, 2376
HINT = f"an address is such as unix://{SOCKET} or tcp://gpu-box:2376"
HINTS = {
    "ssh": "an agent opens no SSH connection: forward the socket with `ssh -nNT -L"
    f" /tmp/engine.sock:{SOCKET} USER@HOST`, and say unix:///tmp/engine.sock",
    "fd": f"fd:// is where dockerd listens, not where it is asked: say unix://{SOCKET}",
    "npipe": "a named pipe is of Windows, where agents do not run",
}


@dataclass(frozen=True, kw_only=True)
class Tls:
    """The files with which an Engine is believed, and the agent shows who it is."""

    folder: Path | None = None
    """Without one, what the machine trusts counts."""
    verified: bool = True

    def context(self) -> ssl.SSLContext:
        """:raises ConfigError: if a file cannot be used."""
        context = ssl.create_default_context()
        try:
            if self.folder and (self.folder / "ca.pem").exists():
                context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
            if self.folder and (self.folder / "cert.pem").exists():
                show_certificate(context, self.folder / "cert.pem", self.folder / "key.pem")
        except OSError as exc:
            message = f"the TLS files of the Docker Engine in {self.folder}: {exc}"
            raise ConfigError(message, hint="they are ca.pem, cert.pem and key.pem") from exc
        if not self.verified:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return by_records(context)


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where an Engine is."""

    path: str = ""
    """Of its socket on this machine; empty: it is reached by TCP."""
    host: str = ""
    port: int = 0
    prefix: str = ""
    """What its paths begin with there, behind a proxy."""
    tls: Tls | None = None

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine, as far as can be told."""
        return bool(self.path)

    @property
    def url(self) -> str:
        """As a client wants it."""
        if self.path:
            return f"unix://{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{self.prefix}"


def engine_address(environ: Mapping[str, str] | None = None) -> Address:
    """The Engine that the environment names, else the CLI's current context, else this machine's.

    :raises ConfigError: if it cannot be reached by what is said.
    """
    env = os.environ if environ is None else environ
    folder = Path(env.get("DOCKER_CONFIG") or Path.home() / ".docker")
    if host := env.get("DOCKER_HOST", "").strip():
        return _parsed(host, "DOCKER_HOST", _tls_of(env, folder))
    name = env.get("DOCKER_CONTEXT") or _current_context(folder)
    if name and name != "default":
        return _of_context(name, folder)
    return Address(path=SOCKET)


def key_files() -> dict[Path, str]:
    """The key that is shown to the Engine, and what it is. What is wrong with what is said of the
    Engine is told when it is used.
    """
    try:
        tls = engine_address().tls
    except ConfigError:
        return {}
    return {tls.folder / "key.pem": "the key to a Docker Engine"} if tls and tls.folder else {}


def _tls_of(env: Mapping[str, str], folder: Path) -> Tls | None:
    verified = bool(env.get("DOCKER_TLS_VERIFY"))
    if not verified and not env.get("DOCKER_TLS"):
        return None
    return Tls(folder=Path(env.get("DOCKER_CERT_PATH") or folder), verified=verified)


def _parsed(text: str, where: str, tls: Tls | None) -> Address:
    shown = shortened(masked_address(text))
    scheme, found, rest = text.partition("://")
    scheme, rest = (scheme.lower(), rest) if found else ("tcp", text)
    if scheme == "unix":
        return Address(path=rest or SOCKET)
    if scheme not in {"tcp", "http", "https"}:
        hint = HINTS.get(scheme, HINT)
        raise ConfigError(
            f"{where}: {shown!r}: the agent reaches no Engine by {shortened(scheme)}://",
            hint=hint,
        )
    if scheme == "https" and tls is None:
        tls = Tls()
    try:
        parts = urlsplit(f"//{rest}")
        port = parts.port
    except ValueError as exc:
        raise ConfigError(f"{where}: {shown!r}: is no address", hint=HINT) from exc
    return Address(
        host=parts.hostname or "127.0.0.1",
        port=port or (TLS_PORT if tls else PLAIN_PORT),
        prefix=parts.path.rstrip("/"),
        tls=tls,
    )


def _current_context(folder: Path) -> str:
    file = folder / "config.json"
    try:
        config = json.loads(file.read_bytes())
    except OSError:
        return ""
    except ValueError as exc:
        raise ConfigError(f"{file}: is not JSON", hint="`docker login` writes it") from exc
    return str(config.get("currentContext") or "") if isinstance(config, dict) else ""


def _of_context(name: str, folder: Path) -> Address:
    """See https://docs.docker.com/engine/manage-resources/contexts/#the-anatomy-of-a-context."""
    known_as = hashlib.sha256(name.encode()).hexdigest()
    where = f"docker context {shortened(name)!r}"
    hint = "`docker context ls` shows what there is; DOCKER_HOST and DOCKER_CONTEXT choose"
    try:
        meta: Any = json.loads((folder / "contexts/meta" / known_as / "meta.json").read_bytes())
        endpoint = meta["Endpoints"]["docker"]
        host, unverified = str(endpoint["Host"]), bool(endpoint.get("SkipTLSVerify"))
    except OSError as exc:
        raise ConfigError(f"{where}: cannot be read: {exc.strerror}", hint=hint) from exc
    except (ValueError, LookupError, TypeError, AttributeError) as exc:
        raise ConfigError(f"{where}: names no Docker Engine", hint=hint) from exc
    files = folder / "contexts/tls" / known_as / "docker"
    tls = Tls(folder=files, verified=not unverified) if files.is_dir() or unverified else None
    return _parsed(host, where, tls)
