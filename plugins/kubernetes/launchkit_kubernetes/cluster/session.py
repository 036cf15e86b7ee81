"""A session with the API server: as whom, by which way, and what its connections hold."""

import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import anyio
from kubernetes_asyncio.client import ApiClient, Configuration
from kubernetes_asyncio.config import ConfigException, load_incluster_config

from launchkit.aio.tls_records import by_records
from launchkit.own_certificate import show_certificate
from launchkit_kubernetes.cluster.access import Access, unusable
from launchkit_kubernetes.cluster.kubeconfig import log_in

UNUSABLE = (
    *(ConfigException, OSError),
    *(ValueError, TypeError, KeyError, AttributeError, RecursionError, AssertionError),
)
"""What the client's library raises for a kubeconfig that it cannot use."""
TWO_LOGINS = (
    "the address of the cluster (server) has a login in it, beside the token of its user: take it"
    " out of the address, for a request has only one"
)
LOGIN_SECONDS = 30.0
"""Less than is waited for an answer, so that who waits is told what for."""
CLOSE_SECONDS = 5.0

SSLProtocol.max_size = 1 << 14
"""asyncio holds and clears a buffer of that size for each connection, and 256 KiB by itself: half a
GiB for the logs of 2,000 runs. A record of TLS has at most 16 KiB."""


class Session:
    """A login and its connections. Another one may take its place while somebody still reads over
    it: the last of them closes it.
    """

    def __init__(self, api: ApiClient) -> None:
        self._api = api
        self._users = 0
        self._replaced = False

    @asynccontextmanager
    async def used(self) -> AsyncIterator[ApiClient]:
        """Its client, open until the context ends."""
        self._users += 1
        try:
            yield self._api
        finally:
            self._users -= 1
            await self._close_if_left()

    async def leave(self) -> None:
        """Begin nothing more over it."""
        self._replaced = True
        await self._close_if_left()

    async def aclose(self) -> None:
        """Close it, whoever reads over it."""
        with anyio.move_on_after(CLOSE_SECONDS, shield=True):
            await self._api.close()
            await anyio.lowlevel.checkpoint()  # connections that were aborted go now

    async def _close_if_left(self) -> None:
        if self._replaced and not self._users:
            await self.aclose()


async def opened(access: Access) -> Session:
    """:raises ClusterError: if the files, or what they name, cannot be used."""
    config = Configuration()
    try:
        if access.in_cluster:
            load_incluster_config(client_configuration=config)  # type: ignore[no-untyped-call]
        else:
            await _logged_in(access, config)
        has_login = "@" in _place_of(config.host or "")
        if config.api_key and has_login:
            raise ConfigException(TWO_LOGINS)
        if config.cert_file:  # the client's library would ask for a pass phrase
            trial = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            show_certificate(trial, config.cert_file, config.key_file)
        config.connection_pool_maxsize = 0  # each followed log holds one connection
        config.proxy = config.proxy or proxy_for(config.host or "")
        return Session(_with_session(ApiClient(config)))
    except UNUSABLE as exc:
        raise unusable(access, exc) from exc


def proxy_for(server: str) -> str | None:
    """The proxy that the environment names for a server."""
    parts = urlsplit(server)
    if not parts.hostname or proxy_bypass(parts.hostname):
        return None
    return getproxies().get(parts.scheme)


def _place_of(server: str) -> str:
    """Login, host and port of an address."""
    try:
        return urlsplit(server).netloc
    except ValueError as exc:  # what it says may have a password in it
        raise ConfigException("the address of the cluster (server) is none") from exc


async def _logged_in(access: Access, config: Configuration) -> None:
    if not access.exists:
        raise FileNotFoundError("there is no such kubeconfig")
    try:
        with anyio.fail_after(LOGIN_SECONDS):
            await log_in(access, config)
    except TimeoutError as exc:
        text = f"the login that it names took more than {LOGIN_SECONDS:g} s"
        raise ConfigException(text) from exc


class _Response(aiohttp.ClientResponse):
    """One for which nobody waits any more has its connection ended at once, see `hang_up`."""

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        """Wait for the beginning of the answer."""
        try:
            return await super().start(connection)
        except BaseException:
            if connection.transport is not None:
                connection.transport.abort()
            raise


def hang_up(response: aiohttp.ClientResponse) -> None:
    """End a connection whose answer was not read to its end: a server that goes on to tell, such as
    of a watch, need not answer a polite end of TLS for long.
    """
    if (connection := response.connection) is not None and connection.transport is not None:
        connection.transport.abort()
    response.close()


def _with_session(api: ApiClient) -> ApiClient:
    """Put a session of ours in the place of the library's, which reads ~/.netrc and looks for a
    proxy at each request, in threads, and lets each log hold megabytes that nobody has taken yet.
    """
    connector: Any = api.rest_client.pool_manager.connector
    by_records(connector._ssl)  # noqa: SLF001 - the library takes no context
    api.rest_client.pool_manager.detach()
    api.rest_client.pool_manager = aiohttp.ClientSession(
        connector=connector, response_class=_Response
    )
    return api
