"""How requests come in: limits, TLS, the proxies that are believed."""

import resource
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from launchkit.aio.tls_records import by_records
from launchkit.errors import ConfigError
from launchkit.own_certificate import show_certificate
from launchkit_server.config import ServerConfig
from launchkit_server.connections import Bounds
from launchkit_server.envelope import Limits

SILENT_SECONDS = 60
"""How long a client may leave what is sent to it unread."""


@dataclass(frozen=True, kw_only=True)
class Door:
    """What uvicorn is told of it."""

    limits: Limits = field(default_factory=Limits)
    connections: Bounds | None = None
    """None: as many as the open files allow for."""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    trusted_proxies: tuple[str, ...] = ()
    """Addresses and networks whose X-Forwarded-For and X-Forwarded-Proto count."""
    root_path: str = ""
    """The path under which a proxy shows the service."""

    @property
    def scheme(self) -> str:
        """The scheme of its URL."""
        return "http" if self.tls_cert is None else "https"

    def settings(self) -> Mapping[str, Any]:
        """The same in uvicorn's words."""
        cert = self.tls_cert
        return {
            "ssl_context_factory": cert and (lambda *_: tls_of(cert, self.tls_key)),
            "proxy_headers": bool(self.trusted_proxies),
            "forwarded_allow_ips": list(self.trusted_proxies),
        }


def door_of(config: ServerConfig) -> Door:
    """The door that the settings describe. Reads files.

    :raises ConfigError: if they do not fit, or a file is not what it should be.
    """
    if (config.tls_cert is None) != (config.tls_key is None):
        raise ConfigError("--tls-cert and --tls-key are given together, or neither")
    if config.tls_cert is not None:
        try:
            tls_of(config.tls_cert, config.tls_key)
        except OSError as exc:
            files = f"{config.tls_cert} and {config.tls_key}"
            raise ConfigError(
                f"--tls-cert, --tls-key: {files} are no certificate and its key: {exc}"
            ) from exc
    proxies = tuple(word.strip() for word in config.trusted_proxies.split(",") if word.strip())
    for word in proxies:
        _check_network(word)
    return Door(
        limits=Limits(requests_per_second=config.requests_per_second),
        tls_cert=config.tls_cert,
        tls_key=config.tls_key,
        trusted_proxies=proxies,
        root_path=config.root_path,
    )


def tls_of(cert: Path, key: Path | None) -> ssl.SSLContext:
    """What speaks TLS as one that has a certificate. Reads files.

    :raises OSError: if they are no certificate and its key.
    """
    context = by_records(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    show_certificate(context, cert, key)
    return context


def give_up_on_silent(made: socket.socket, seconds: float) -> None:
    """Let the system close those connections of a listening socket whose client reads nothing, or
    is gone, where it can: what waits for them would be kept for ever.
    """
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


def allow_many_connections() -> None:
    """Use as many open files as the system lets this process have: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(ValueError, OSError):  # a system whose hard limit is not meant
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _check_network(word: str) -> None:
    try:
        ip_network(word)
    except ValueError as exc:
        raise ConfigError(
            f"--trusted-proxies: {exc}", hint="write addresses or networks, such as 10.0.0.0/8"
        ) from exc
