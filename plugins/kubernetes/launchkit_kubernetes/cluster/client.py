"""Requests to the API server, and what its errors mean to a launch."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlencode

import aiohttp
import anyio
from kubernetes_asyncio.client import ApiClient

from launchkit.aio.retry import Backoff, retry
from launchkit.aio.token_bucket import TokenBucket
from launchkit.aio.trouble import Trouble
from launchkit.plain_text import shortened
from launchkit_kubernetes.cluster.access import Access, unusable
from launchkit_kubernetes.cluster.answers import (
    FOREIGN,
    decoded,
    failure,
    heard,
    listed_in,
    name_of,
    pieces,
    require_object,
    whole,
)
from launchkit_kubernetes.cluster.errors import (
    AnswerTooLong,
    ClusterAway,
    ClusterRefused,
)
from launchkit_kubernetes.cluster.session import Session, hang_up, opened

log = logging.getLogger("launchkit.kubernetes")
T = TypeVar("T")

ANSWER_SECONDS = 60.0
CONNECT_SECONDS = 15.0
AT_ONCE = 32
"""Whole answers that are waited for at once: each has a connection."""
PAGE = 500
"""Objects of a list in one answer, unless they are so large that it would be too long."""
BACKOFF = Backoff(first=0.25, cap=10.0)
NOTHING_NEW = 100
"""Pages in a row that tell of no other object than those before: a list may have some, where what
is asked for is rare."""
MERGE = "application/merge-patch+json"


@dataclass(frozen=True)
class Request:
    """What the API server is asked."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    content_type: str = "application/json"
    read_seconds: float = ANSWER_SECONDS
    """The longest silence until the answer begins, and while it is read."""
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
    _session: Session | None = field(default=None, init=False, repr=False)
    _turn: anyio.Lock = field(default_factory=anyio.Lock, init=False, repr=False)
    _answers: anyio.CapacityLimiter = field(
        default_factory=lambda: anyio.CapacityLimiter(AT_ONCE), init=False, repr=False
    )
    _last: anyio.Lock = field(default_factory=anyio.Lock, init=False, repr=False)

    @asynccontextmanager
    async def request(self, asked: "Request") -> AsyncIterator[AsyncIterator[bytes]]:
        """An answer that has begun, piece by piece. :raises ClusterError: see there."""
        await self._allowed(asked)
        async with self._begun(asked) as answer:
            yield answer

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
            with _in_time("the API server did not answer"):  # a long line is not its fault
                async with self._begun(asked) as answer:
                    data = await whole(answer)
        told = await decoded(data)
        if not isinstance(told, dict):
            raise ClusterAway(f"{FOREIGN}: what it tells is no object of JSON")
        return told

    async def one(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        """One object as it is, or is after it was made or changed.

        :raises ClusterError: see there.
        """
        told = await self.json(method, path, params=params, body=body, content_type=content_type)
        made = body["metadata"]["name"] if body and method == "POST" else ""
        require_object(told, made or path.rpartition("/")[2])
        return told

    async def find(self, path: str) -> dict[str, Any] | None:
        """One object as it is; None if there is none. :raises ClusterError: see there."""
        try:
            return await self.one("GET", path)
        except ClusterRefused as exc:
            if exc.not_found:
                return None
            raise

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
        more, size = dict(params), PAGE
        known, nothing_new = set[str](), 0
        while True:
            try:
                sized = {**more, "limit": str(size)}
                page = await self.json("GET", path, params=sized, last=last)
            except AnswerTooLong:
                if size == 1:
                    raise
                size //= 2
                continue
            objects, version, go_on = listed_in(page)
            yield objects, version
            if not go_on:
                return
            more["continue"] = go_on
            names = {*map(name_of, objects)}
            nothing_new = 0 if names - known else nothing_new + 1
            known |= names
            if nothing_new == NOTHING_NEW:
                raise ClusterAway(f"a list of the API server goes on without end: {path}")

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
        if self._session is not None:
            await self._session.aclose()

    async def _allowed(self, asked: "Request") -> None:
        async with self._last if asked.last else nullcontext():
            await self.limiter.take()

    @asynccontextmanager
    async def _begun(self, asked: "Request") -> AsyncIterator[AsyncIterator[bytes]]:
        with _explained():
            async with (
                self._answer(asked) as response,
                aclosing(pieces(response, asked.read_seconds)) as answer,
            ):
                if response.status >= HTTPStatus.MULTIPLE_CHOICES:
                    raise await failure(response, answer)
                yield answer

    @asynccontextmanager
    async def _answer(self, asked: "Request") -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer; a login that is refused is read anew once: tokens expire."""
        refused = None
        while True:
            session = await self._opened(refused)
            async with session.used() as api:
                response = await heard(self._sent(api, asked), asked.read_seconds)
                try:
                    if refused or response.status != HTTPStatus.UNAUTHORIZED:
                        yield response
                        return
                finally:
                    hang_up(response)
            refused = session

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
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
                allow_redirects=False,  # what is sent, such as a Secret, would go along
            )
        except ValueError as exc:  # an address, or a token, that no request can have
            raise unusable(self.access, exc) from exc

    async def _opened(self, refused: Session | None = None) -> Session:
        """One whose login is not the one that was refused: it is read again, unless somebody has
        done it meanwhile. Who reads over the old one reads on.
        """
        with _in_time("there was no login"):
            async with self._turn:
                if self._session is None or self._session is refused:
                    self._session = await opened(self.access)
                    if refused is not None:
                        await refused.leave()
                return self._session


@asynccontextmanager
async def open_client(access: Access, qps: float, burst: int) -> AsyncIterator[ClusterClient]:
    """A client of the cluster; it need not answer yet."""
    trouble = Trouble(log, "the Kubernetes API")
    client = ClusterClient(access, TokenBucket(qps, burst), trouble)
    try:
        yield client
    finally:
        await client.aclose()


@contextmanager
def _in_time(what: str) -> Iterator[None]:
    """:raises ClusterAway: if it takes too long."""
    try:
        with anyio.fail_after(ANSWER_SECONDS):
            yield
    except TimeoutError as exc:
        raise ClusterAway(f"{what} within {ANSWER_SECONDS:g} s") from exc


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what the client's library and its connection raise: the one place that does."""
    try:
        yield
    except (aiohttp.ClientError, ConnectionError, TimeoutError, asyncio.IncompleteReadError) as exc:
        said = shortened(str(exc)) or type(exc).__name__
        raise ClusterAway(f"the API server cannot be reached: {said}") from exc
