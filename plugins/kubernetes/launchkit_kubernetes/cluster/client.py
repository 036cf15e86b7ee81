"""Requests to the API server, and what its errors mean to a launch."""

import asyncio
import json
import logging
from asyncio.sslproto import SSLProtocol
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import anyio
import yaml
from kubernetes_asyncio.client import ApiClient, Configuration
from kubernetes_asyncio.config import (
    ConfigException,
    load_incluster_config,
    load_kube_config,
)

from launchkit.aio.retry import Backoff, retry, retry_after_of
from launchkit.aio.token_bucket import TokenBucket
from launchkit.aio.trouble import Trouble
from launchkit.plain_text import shortened, without_last_word
from launchkit_kubernetes.cluster.access import Access, unusable
from launchkit_kubernetes.cluster.errors import ClusterAway, ClusterError, ClusterRefused, refusal

log = logging.getLogger("launchkit.kubernetes")
T = TypeVar("T")

UNUSABLE = (
    *(ConfigException, yaml.YAMLError, OSError),
    *(ValueError, TypeError, KeyError, AttributeError, RecursionError),
)
"""What the client's library raises for a kubeconfig that it cannot read."""

TWO_LOGINS = (
    "the address of the cluster (server) has a login in it, beside the token of its user: take it"
    " out of the address, for a request has only one"
)
ANSWER_SECONDS = 60.0
CONNECT_SECONDS = 15.0
CLOSE_SECONDS = 5.0
AT_ONCE = 32
"""Whole answers that are waited for at once: each has a connection."""
MAX_ANSWER = 64 << 20
"""Bytes of one answer; a page of a list has at most 500 objects of 1.5 MiB, as etcd allows, and
real ones have a few kB."""
MAX_ERROR = 1 << 16
PAGE = 500
BACKOFF = Backoff(first=0.25, cap=10.0)
MERGE = "application/merge-patch+json"

SSLProtocol.max_size = 1 << 14
"""asyncio holds and clears a buffer of that size for each connection, and 256 KiB by itself: half a
GiB for the logs of 2,000 runs. A record of TLS has at most 16 KiB."""


@dataclass(frozen=True)
class Request:
    """What the API server is asked."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    content_type: str = "application/json"
    read_seconds: float = ANSWER_SECONDS
    """The longest silence while the answer is read."""
    last: bool = False
    """Whether it can wait: of such requests one at a time stands in the line, and others pass."""


@dataclass(eq=False)
class ClusterClient:
    """Asks an API server that need not answer yet. All that goes wrong is a ClusterError."""

    access: Access
    limiter: TokenBucket
    """One token for each request."""
    trouble: Trouble
    """One voice for all who wait for it."""
    _api: ApiClient | None = field(default=None, init=False, repr=False)
    _turn: anyio.Lock = field(default_factory=anyio.Lock, init=False, repr=False)
    _answers: anyio.CapacityLimiter = field(
        default_factory=lambda: anyio.CapacityLimiter(AT_ONCE), init=False, repr=False
    )
    _last: anyio.Lock = field(default_factory=anyio.Lock, init=False, repr=False)

    @asynccontextmanager
    async def request(self, asked: "Request") -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer that has begun. :raises ClusterError: see there."""
        await self._allowed(asked)
        async with self._begun(asked) as response:
            yield response

    async def json(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
        last: bool = False,
    ) -> dict[str, Any]:
        """A whole answer. :raises ClusterError: see there."""
        asked = Request(method, path, params or {}, body, content_type, last=last)
        await self._allowed(asked)
        async with self._answers:
            try:
                with anyio.fail_after(ANSWER_SECONDS):  # a long line is not its fault
                    async with self._begun(asked) as response:
                        data = await _whole(response, MAX_ANSWER)
            except TimeoutError as exc:
                text = f"the API server did not answer within {ANSWER_SECONDS:g} s"
                raise ClusterAway(text) from exc
        return _object(data)

    async def listed(self, path: str, params: Mapping[str, str]) -> list[Any]:
        """All objects of a list. :raises ClusterError: see there."""
        async with aclosing(self.pages(path, params)) as pages:
            return [told async for page, _ in pages for told in page]

    async def pages(
        self, path: str, params: Mapping[str, str], *, last: bool = False
    ) -> AsyncGenerator[tuple[list[Any], str], None]:
        """The objects of a list page by page, for those who keep little of each, and the version
        that it shows.

        :raises ClusterError: see there.
        """
        more = {"limit": str(PAGE), **params}
        while True:
            page = await self.json("GET", path, params=more, last=last)
            objects, about = page.get("items"), page.get("metadata")
            about = about if isinstance(about, dict) else {}
            version = str(about.get("resourceVersion") or "")
            yield objects if isinstance(objects, list) else [], version
            if not (go_on := about.get("continue")):
                return
            more = {**more, "continue": str(go_on)}

    async def answered(
        self,
        call: Callable[[], Awaitable[T]],
        *,
        on_first: Callable[[Exception], Awaitable[None]] | None = None,
    ) -> T:
        """Call until the server is there: while it is away, nothing can be said of what it has.
        *on_first* is awaited after the first try, if that fails.

        :raises ClusterRefused: if it refuses.
        """
        return await retry(
            call, on=ClusterAway, backoff=BACKOFF, trouble=self.trouble, on_first=on_first
        )

    async def remove(self, path: str, uid: str, options: Mapping[str, Any] | None = None) -> None:
        """Ask for the end of the object with this *uid*; none, or another by now, is no error.

        :raises ClusterRefused: if it refuses.
        """
        wanted = {**(options or {}), "preconditions": {"uid": uid}}
        try:
            await self.answered(lambda: self.json("DELETE", path, body=wanted))
        except ClusterRefused as exc:
            if not exc.not_found and not exc.conflict:
                raise

    async def aclose(self) -> None:
        """Close all connections."""
        if self._api is not None:
            with anyio.move_on_after(CLOSE_SECONDS, shield=True):
                await self._api.close()
                await anyio.lowlevel.checkpoint()  # connections that were aborted go now

    async def _allowed(self, asked: "Request") -> None:
        async with self._last if asked.last else nullcontext():
            await self.limiter.take()

    @asynccontextmanager
    async def _begun(self, asked: "Request") -> AsyncIterator[aiohttp.ClientResponse]:
        with _explained():
            response = await self._answer(asked)
            try:
                if response.status >= HTTPStatus.BAD_REQUEST:
                    raise await _failure(response)
                yield response
            finally:
                _hang_up(response)

    async def _answer(self, asked: "Request") -> aiohttp.ClientResponse:
        """An answer; a login that is refused is read anew once: tokens expire."""
        api = await self._opened()
        response = await self._sent(api, asked)
        if response.status == HTTPStatus.UNAUTHORIZED:
            response.close()
            response = await self._sent(await self._renewed(api), asked)
        return response

    async def _sent(self, api: ApiClient, asked: "Request") -> aiohttp.ClientResponse:
        query = f"?{urlencode(asked.params)}" if asked.params else ""
        data = None if asked.body is None else json.dumps(asked.body).encode()
        headers = {"Accept": "application/json", "User-Agent": "launchkit"}
        if data is not None:
            headers["Content-Type"] = asked.content_type
        rest = api.rest_client
        try:
            await api.update_params_for_auth(headers, [], ["BearerToken"])
            return await rest.pool_manager.request(
                asked.method,
                f"{api.configuration.host}/{asked.path}{query}",
                headers=headers,
                data=data,
                proxy=rest.proxy or None,
                proxy_headers=rest.proxy_headers or None,
                server_hostname=rest.server_hostname or None,
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=CONNECT_SECONDS, sock_read=asked.read_seconds
                ),
            )
        except ValueError as exc:  # an address, or a token, that no request can have
            raise unusable(self.access, exc) from exc

    async def _opened(self) -> ApiClient:
        async with self._turn:
            if self._api is None:
                self._api = await _load(self.access)
            return self._api

    async def _renewed(self, refused: ApiClient) -> ApiClient:
        """Read the credentials again, unless somebody has done it meanwhile."""
        async with self._turn:
            if self._api is refused or self._api is None:
                self._api = await _load(self.access)
                with anyio.move_on_after(CLOSE_SECONDS, shield=True):
                    await refused.close()  # what it follows is opened again
            return self._api


@asynccontextmanager
async def open_client(access: Access, qps: float, burst: int) -> AsyncIterator[ClusterClient]:
    """A client of the cluster; it need not answer yet."""
    trouble = Trouble(log, "the Kubernetes API")
    client = ClusterClient(access, TokenBucket(qps, burst), trouble)
    try:
        yield client
    finally:
        await client.aclose()


async def _load(access: Access) -> ApiClient:
    """:raises ClusterAway: if the files, or what they name, cannot be used."""
    config = Configuration()
    try:
        if access.in_cluster:
            load_incluster_config(client_configuration=config)  # type: ignore[no-untyped-call]
        elif not access.exists:
            raise FileNotFoundError("there is no such kubeconfig")
        else:
            await load_kube_config(
                access.path, access.context, client_configuration=config, persist_config=False
            )
        if config.api_key and "@" in urlsplit(config.host or "").netloc:
            raise ConfigException(TWO_LOGINS)
        config.connection_pool_maxsize = 0  # each followed log holds one connection
        config.proxy = config.proxy or proxy_for(config.host or "")
        return _with_session(ApiClient(config))
    except UNUSABLE as exc:
        raise unusable(access, exc) from exc


class _Response(aiohttp.ClientResponse):
    """One for which nobody waits any more has its connection ended at once, see `_hang_up`."""

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        """Wait for the beginning of the answer."""
        try:
            return await super().start(connection)
        except BaseException:
            if connection.transport is not None:
                connection.transport.abort()
            raise


def _with_session(api: ApiClient) -> ApiClient:
    """Put a session of ours in the place of the library's, which reads ~/.netrc and looks for a
    proxy at each request, in threads, and lets each log hold megabytes that nobody has taken yet.
    """
    connector = api.rest_client.pool_manager.connector
    api.rest_client.pool_manager.detach()
    api.rest_client.pool_manager = aiohttp.ClientSession(
        connector=connector, response_class=_Response
    )
    return api


def proxy_for(server: str) -> str | None:
    """The proxy that the environment names for a server."""
    parts = urlsplit(server)
    if not parts.hostname or proxy_bypass(parts.hostname):
        return None
    return getproxies().get(parts.scheme)


def _hang_up(response: aiohttp.ClientResponse) -> None:
    """End a connection whose answer was not read to its end: a server that goes on to tell, such as
    of a watch, need not answer a polite end of TLS for long.
    """
    if (connection := response.connection) is not None and connection.transport is not None:
        connection.transport.abort()
    response.close()


def _object(data: bytes) -> dict[str, Any]:
    """An answer, decoded. :raises ClusterError: if it is no JSON object."""
    try:
        told = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise ClusterAway(f"the answer of the API server is no JSON: {exc}") from exc
    if not isinstance(told, dict):
        raise ClusterError("the answer of the API server is no object")
    return told


async def _failure(response: aiohttp.ClientResponse) -> ClusterError:
    text = (await _whole(response, MAX_ERROR, cut=True)).decode(errors="replace")
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = text
    said = said if isinstance(said, dict) else shortened(text)
    wait = retry_after_of(response.headers.get("Retry-After"))
    if isinstance(said, dict):
        said = {**said, "message": shortened(str(said.get("message") or ""))}
    refused = refusal(response.status, said)
    passing = response.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if passing or response.status == HTTPStatus.TOO_MANY_REQUESTS:
        return ClusterAway(refused.message, retry_after=wait, status=response.status)
    return refused


async def _whole(response: aiohttp.ClientResponse, longest: int, *, cut: bool = False) -> bytes:
    data = bytearray()
    async for piece in response.content.iter_any():
        data += piece
        if len(data) > longest:
            if not cut:
                raise ClusterError(f"an answer of the API server has more than {longest} bytes")
            return without_last_word(bytes(data[:longest])) + "…".encode()
    return bytes(data)


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what the client's library and its connection raise: the one place that does."""
    try:
        yield
    except (aiohttp.ClientError, ConnectionError, TimeoutError, asyncio.IncompleteReadError) as exc:
        said = shortened(str(exc)) or type(exc).__name__
        raise ClusterAway(f"the API server cannot be reached: {said}") from exc
