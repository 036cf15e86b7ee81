"""The proxies that the environment names, with what `NO_PROXY` excepts; networks among it."""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from ssl import SSLContext
from urllib.request import (  # type: ignore[attr-defined] # typeshed has only the first
    getproxies_environment,
    proxy_bypass_environment,
)

import httpx

from launchkit.errors import ConfigError

DEFAULT_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20)


def environments_proxies(
    verify: SSLContext, limits: httpx.Limits = DEFAULT_LIMITS
) -> httpx.AsyncBaseTransport | None:
    """What carries requests as the environment wants it; None: there is no proxy.

    :raises ConfigError: naming the variable whose proxy cannot be used.
    """
    named = getproxies_environment()
    addresses = {kind: named[kind] for kind in ("http", "https", "all") if named.get(kind)}
    if not addresses:
        return None
    proxies = {kind: _transport(kind, url, verify, limits) for kind, url in addresses.items()}
    direct = httpx.AsyncHTTPTransport(verify=verify, limits=limits)
    return ProxiedTransport(proxies=proxies, direct=direct, excepted=named.get("no", ""))


class ProxiedTransport(httpx.AsyncBaseTransport):
    """Sends each request through the proxy for its scheme, or directly to hosts that are
    *excepted*.
    """

    def __init__(
        self,
        *,
        proxies: Mapping[str, httpx.AsyncBaseTransport],
        direct: httpx.AsyncBaseTransport,
        excepted: str,
    ) -> None:
        self._proxies = proxies
        self._direct = direct
        self._excepted = excepted

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it."""
        proxy = self._proxies.get(request.url.scheme) or self._proxies.get("all")
        if proxy is None or is_excepted(request.url.host, request.url.port, self._excepted):
            proxy = self._direct
        return await proxy.handle_async_request(request)

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in (self._direct, *self._proxies.values()):
            await transport.aclose()


def is_excepted(host: str, port: int | None, excepted: str) -> bool:
    """Whether *excepted*, as `NO_PROXY` lists hosts, domains and networks, has a host."""
    place = f"{host}:{port}" if port else host
    if proxy_bypass_environment(place, {"no": excepted}):
        return True
    with suppress(ValueError):
        address = ip_address(host)
        return any(address in network for network in _networks(excepted))
    return False


def _networks(excepted: str) -> list[IPv4Network | IPv6Network]:
    found = []
    for word in excepted.split(","):
        with suppress(ValueError):
            found.append(ip_network(re.sub(r"[\[\]\s]", "", word), strict=False))
    return found


def _transport(
    kind: str, url: str, verify: SSLContext, limits: httpx.Limits
) -> httpx.AsyncHTTPTransport:
    address = url if "://" in url else f"http://{url}"
    try:
        return httpx.AsyncHTTPTransport(
            verify=verify, limits=limits, proxy=httpx.Proxy(url=httpx.URL(address))
        )
    except (ImportError, ValueError, httpx.InvalidURL) as exc:
        name = _variable(kind)
        hint = f"name a proxy of HTTP there, such as http://host:3128, or unset {name}"
        if isinstance(exc, ImportError):
            hint += "; for SOCKS: pip install 'httpx[socks]'"
        raise ConfigError(f"{name}: this proxy cannot be used: {address!r}", hint=hint) from exc


def _variable(kind: str) -> str:
    name = f"{kind}_proxy"
    return name if os.environ.get(name) else name.upper()
