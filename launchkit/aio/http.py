"""The one door to clients of HTTP: they go by the proxies that the environment names, and trust
whom it names.

httpx reads the same variables, but raises for some of what other programs accept in them.
"""

import errno
import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.request import getproxies

import anyio
import httpcore
import httpx
from anyio.abc import AsyncResource

from launchkit.aio.bounded_answers import BoundedAnswers
from launchkit.aio.tls_records import by_records
from launchkit.errors import ConfigError
from launchkit.plain_text import visible_line

SCHEMES = ("http", "https")
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20)
CLOSE_SECONDS = 5.0
MOST_PORT = 65535
HINT = "a proxy is such as http://proxy.example.com:3128 or socks5://127.0.0.1:1080"


def machine_trust() -> ssl.SSLContext:
    """Trusts the authorities that `SSL_CERT_FILE` or else `SSL_CERT_DIR` names, or else those that
    most people do. Reads files, which takes long.

    :raises ConfigError: if what such a variable names is none.
    """
    with _named_authorities("SSL_CERT_FILE", "SSL_CERT_DIR"):
        return by_records(httpx.create_ssl_context())


def require_authorities(*variables: str) -> None:
    """See whether the first that is set of some *variables*, which name a file with certificates of
    authorities, or for `…_DIR` directories of them, names what is there. Reads it.

    :raises ConfigError: if it does not.
    """
    with _named_authorities(*variables) as file:
        if file:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)


@contextmanager
def _named_authorities(*variables: str) -> Iterator[str | None]:
    """Gives the file that the first of the variables names, if it is one; an error in reading what
    is named tells the variable.
    """
    name = next(filter(os.environ.get, variables), "")
    place = os.environ.get(name)
    try:
        if place and name.endswith("_DIR"):
            _require_folder(place)
            place = None
        yield place
    except OSError as exc:
        if not name:
            raise
        why = "has no certificate in it" if isinstance(exc, ssl.SSLError) else exc.strerror
        hint = f"unset {name}, or have it name the certificates of those who are trusted"
        raise ConfigError(f"${name}: {visible_line(os.environ[name])}: {why}", hint=hint) from exc


def _require_folder(places: str) -> None:
    if not any(map(os.path.isdir, places.split(os.pathsep))):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))


def http_client(
    verify: ssl.SSLContext,
    *,
    limits: httpx.Limits = LIMITS,
    most: int | None = None,
    network: httpcore.AsyncNetworkBackend | None = None,
    **options: Any,
) -> httpx.AsyncClient:
    """A client that trusts what *verify* does, reads of each answer no more than *most* bytes, goes
    over a *network* of its own if there is one, and whose other *options* are those of httpx.

    :raises ConfigError: if a proxy of the environment makes no sense.
    """
    given = partial(BoundedAnswers, verify=verify, limits=limits, most=most, network=network)
    chosen = ByEnvironment(
        direct=given(),
        proxies={scheme: given(proxy=proxy) for scheme, proxy in _proxies().items()},
        exempt=Exempt.of(getproxies().get("no", "")),
    )
    hooks = {"request": [_close_cancelled]}
    return httpx.AsyncClient(transport=chosen, trust_env=False, event_hooks=hooks, **options)


async def _close_cancelled(request: httpx.Request) -> None:
    """An event hook: have the connection closed of a request that is cancelled while TLS begins.
    httpcore closes it only after errors.
    """
    request.extensions["trace"] = _Beginning().hear


class _Beginning:
    """How a connection comes about, as httpcore tells it."""

    def __init__(self) -> None:
        self._connection: AsyncResource | None = None

    async def hear(self, event: str, about: Mapping[str, Any]) -> None:
        """What has just happened."""
        if event.endswith(".connect_tcp.complete"):
            self._connection = about["return_value"]
        elif event.endswith(".start_tls.failed") and self._connection is not None:
            with anyio.move_on_after(CLOSE_SECONDS, shield=True):
                await self._connection.aclose()


@dataclass(frozen=True, kw_only=True)
class Exempt:
    """The hosts that are reached without a proxy: what `NO_PROXY` says, as curl and Go read it."""

    everything: bool = False
    domains: tuple[str, ...] = ()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    places: tuple[tuple[str, int], ...] = ()
    """Hosts, each with the one port that counts."""

    @classmethod
    def of(cls, text: str) -> "Exempt":
        """Decode a list; what is no host in it counts for none."""
        words = [word.strip().lower() for word in text.split(",")]
        hosts, networks, places = (
            list[str](),
            list[IPv4Network | IPv6Network](),
            list[tuple[str, int]](),
        )
        for word in filter(None, words):
            if network := _network(word):
                networks.append(network)
            elif place := _place(word):
                places.append(place)
            else:
                hosts.append(_bare(word))
        return cls(
            everything="*" in words,
            domains=tuple(hosts),
            networks=tuple(networks),
            places=tuple(places),
        )

    def has(self, host: str, port: int) -> bool:
        """Whether a host is reached without a proxy."""
        name = _bare(host.lower())
        if self.everything or (name, port) in self.places:
            return True
        try:
            address = ip_address(name)
        except ValueError:
            return any(name == domain or name.endswith(f".{domain}") for domain in self.domains)
        return any(address in network for network in self.networks)


@dataclass(frozen=True, kw_only=True, eq=False)
class ByEnvironment(httpx.AsyncBaseTransport):
    """Sends each request by the proxy for its scheme, or directly."""

    direct: httpx.AsyncBaseTransport
    proxies: Mapping[str, httpx.AsyncBaseTransport] = field(default_factory=dict)
    exempt: Exempt = Exempt()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it."""
        url = request.url
        if url.port is not None and url.port > MOST_PORT:  # for which anyio has no error
            raise httpx.ConnectError(f"there is no port {url.port}", request=request)
        way = self.proxies.get(url.scheme)
        port = url.port or {"http": 80, "https": 443}.get(url.scheme, 0)
        if way is None or self.exempt.has(url.host, port):
            way = self.direct
        return await way.handle_async_request(request)

    async def aclose(self) -> None:
        """Close all connections."""
        for way in (self.direct, *self.proxies.values()):
            await way.aclose()


def _proxies() -> dict[str, httpx.Proxy]:
    told = getproxies()
    names = {scheme: scheme if told.get(scheme) else "all" for scheme in SCHEMES}
    return {scheme: _proxy(name, told[name]) for scheme, name in names.items() if told.get(name)}


def _proxy(name: str, text: str) -> httpx.Proxy:
    """What is wrong with it is told without it: there may be a password in it."""
    try:
        return httpx.Proxy(text if "://" in text else f"http://{text}")
    except (httpx.InvalidURL, ValueError) as exc:
        why = "its scheme is none of a proxy's" if "scheme" in str(exc) else "it is no URL"
        raise ConfigError(f"{name.upper()}_PROXY: {why}", hint=HINT) from None


def _network(word: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(_bare(word), strict=False)
    except ValueError:
        return None


def _place(word: str) -> tuple[str, int] | None:
    host, _, port = word.rpartition(":")
    is_port = port.isdecimal() and len(port) <= len("65535")
    return (_bare(host), int(port)) if host and is_port else None


def _bare(host: str) -> str:
    """A host without what some put around it."""
    return host.strip("[]").removeprefix("*").removeprefix(".")
