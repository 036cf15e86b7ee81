"""Requests to a queue service: with a token, bounded, patient; errors are launchkit's own."""

import logging
import os
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import anyio.to_thread
import httpx
from pydantic import ValidationError

from launchkit.aio.answers import PLAIN, AnswerTooLong, read_whole
from launchkit.aio.http import http_client, machine_trust
from launchkit.aio.retry import Backoff, retry, retry_after_of
from launchkit.aio.trouble import Trouble
from launchkit.builtin.http.tokens import find_token, server_of
from launchkit.codec import decode_json, encode_json
from launchkit.errors import ConfigError, Unauthenticated, Unreachable
from launchkit.model import Secret
from launchkit.wire.problems import Problem, error_of
from launchkit.wire.protocol import (
    BYTES_TYPE,
    MAX_WAIT_SECONDS,
    PROBLEM_TYPE,
    PROTOCOL,
    PROTOCOL_HEADER,
    address,
    service_address,
)

T = TypeVar("T")
FindToken = Callable[[], Secret | None]

log = logging.getLogger("launchkit.http")

UNAUTHORIZED = 401
CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 30.0
"""How long an answer may take, and each piece of a stream."""
MOST_PORT = 65535
MAX_ANSWER = 64 * 2**20
"""Bytes of an answer that are read."""
UNPACKED = {"accept-encoding": "identity"}
PATIENCE = Backoff(first=0.1, cap=1.0, deadline=5.0)
"""For requests that may be sent again: a service that is started anew is not noticed."""
FOLLOWING = Backoff(first=0.1, cap=2.0, deadline=60.0)
"""For those who follow a launch, as long as a database that is away is waited for: they go on when
the service is back.
"""
UNMET_SECONDS = 0.5
"""For how long a request is sent again as long as nobody has ever answered: who typed the wrong
address wants to know.
"""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request: parts of the path below the entity, and what goes with it."""

    method: str
    parts: tuple[str, ...]
    entity: str | None = None
    """Another entity than the client's; the empty one stands for the service as a whole."""
    body: object = None
    """A value of the wire, bytes, or an iterator of bytes."""
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0
    """Seconds that the service may wait before it answers."""
    again: bool = False
    """Whether it may be sent again when no answer came."""
    follows: bool = False
    """Whether who follows a launch asks, and has time."""

    @property
    def repeats(self) -> bool:
        """Whether its body can be sent twice."""
        return not isinstance(self.body, AsyncIterator)


class Service:
    """The queue service at *url*, for one entity."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        entity: str,
        find: FindToken,
        token: Secret | None,
    ) -> None:
        self._client = client
        self.url = url
        self._entity = entity
        self._find = find
        self._token = token
        self._trouble = Trouble(log, "looking at a launch")
        self._met = False
        """Whether anybody has ever answered at the address."""

    @property
    def token(self) -> Secret | None:
        """With which the service is asked now."""
        return self._token

    async def ask(self, of: type[T], call: Call) -> T:
        """The answer to a request, as a value of type *of*.

        :raises LaunchkitError: the service's own error.
        :raises Unreachable: if there is no answer, or one that is not the service's.
        """
        data = (await self._sent(call)).content
        try:
            return decode_json(of, data)
        except ValidationError as exc:
            raise self._foreign("an answer that is not understood") from exc

    async def tell(self, call: Call) -> None:
        """Send a request that is answered with nothing."""
        await self._sent(call)

    async def fetch(self, call: Call) -> httpx.Response:
        """The whole answer, with its headers."""
        return await self._sent(call)

    async def stream(self, call: Call) -> AsyncIterator[bytes]:
        """The bytes of an answer of any size, piece by piece."""
        async with self._answer(replace(call, headers={**call.headers, **UNPACKED})) as response:
            if response.headers.get("content-encoding", "identity") not in PLAIN:
                raise self._foreign("a stream that is packed")
            try:
                async for piece in response.aiter_raw():
                    yield piece
            except httpx.HTTPError as exc:
                raise self._silent(exc) from exc

    async def _sent(self, call: Call) -> httpx.Response:
        async def once() -> httpx.Response:
            async with self._answer(call) as response:
                await self._read(response)
                return response

        if not call.again:
            return await once()
        began = anyio.current_time()

        def passes(exc: Exception) -> bool:
            early = anyio.current_time() - began < UNMET_SECONDS
            return isinstance(exc, Unreachable) and (self._met or early)

        if not call.follows:
            return await retry(once, on=passes, backoff=PATIENCE)
        return await retry(once, on=passes, backoff=FOLLOWING, trouble=self._trouble)

    @asynccontextmanager
    async def _answer(self, call: Call) -> AsyncIterator[httpx.Response]:
        """The start of an answer that is good news."""
        token = self._token
        response = await self._begun(call, token)
        self._met = True
        try:
            if response.status_code == UNAUTHORIZED and await self._is_old(token) and call.repeats:
                await response.aclose()
                response = await self._begun(call, self._token)
            if PROTOCOL_HEADER not in response.headers:
                what = f"an answer of somebody else (HTTP {response.status_code})"
                raise self._foreign(what, retry_after_of(response.headers.get("retry-after")))
            if not response.is_success:
                await self._read(response)
                raise self._error(response)
            yield response
        finally:
            with anyio.CancelScope(shield=True):
                await response.aclose()

    async def _begun(self, call: Call, token: Secret | None) -> httpx.Response:
        try:
            return await self._client.send(self._request(call, token), stream=True)
        except httpx.HTTPError as exc:
            raise self._silent(exc) from exc

    async def _is_old(self, token: Secret | None) -> bool:
        """Whether there is another by now: a mounted secret changes while an agent runs.

        :raises Unauthenticated: if it cannot be read any more.
        """
        if self._token == token:
            try:
                self._token = await anyio.to_thread.run_sync(self._find)
            except ConfigError as exc:
                raise Unauthenticated(exc.message, hint=exc.hint) from exc
        return self._token != token

    def _request(self, call: Call, token: Secret | None) -> httpx.Request:
        content: Any = call.body
        given = {"authorization": f"Bearer {str.__str__(token)}"} if token else {}
        headers = {"content-type": BYTES_TYPE}
        if call.body is not None and not isinstance(call.body, bytes | AsyncIterator):
            content = encode_json(call.body)
            headers = {"content-type": "application/json"}
        wait = min(call.wait, MAX_WAIT_SECONDS)
        params = {key: value for key, value in call.params.items() if value is not None}
        return self._client.build_request(
            call.method,
            f"{self.url}{self._path(call)}",
            content=content,
            headers={**given, **call.headers, **(headers if content is not None else {})},
            params={**params, "wait": wait} if call.wait and call.body is None else params,
            timeout=httpx.Timeout(ANSWER_SECONDS + wait, connect=CONNECT_SECONDS, pool=None),
        )

    def _path(self, call: Call) -> str:
        if call.entity == "":
            return service_address(*call.parts)
        return address(call.entity or self._entity, *call.parts)

    async def _read(self, response: httpx.Response) -> None:
        """Read what is left of an answer, within bounds."""
        try:
            await read_whole(response, MAX_ANSWER)
        except AnswerTooLong as exc:
            raise self._foreign(f"an answer of more than {MAX_ANSWER} bytes") from exc
        except httpx.HTTPError as exc:
            raise self._silent(exc) from exc

    def _error(self, response: httpx.Response) -> Exception:
        if response.headers.get("content-type", "").partition(";")[0] != PROBLEM_TYPE:
            return self._foreign(f"HTTP {response.status_code} without a reason")
        try:
            return error_of(decode_json(Problem, response.content))
        except ValidationError:
            return self._foreign(f"HTTP {response.status_code} with a reason that is no problem")

    def _silent(self, exc: httpx.HTTPError) -> Unreachable:
        why = str(exc) or type(exc).__name__
        return Unreachable(
            f"the queue service {self.url} cannot be reached: {why}",
            hint="check the URL, the network and HTTPS_PROXY; is `launchkit server` running?",
        )

    def _foreign(self, what: str, retry_after: float | None = None) -> Unreachable:
        return Unreachable(
            f"{self.url} gave {what}",
            hint="is this the URL of a queue service, with no proxy's page in the way?",
            retry_after=retry_after,
        )


def require_address(url: str) -> httpx.URL:
    """The URL of a queue service.

    :raises ValueError: if it is none, or there is more in it than an address; what that is, which
        may be a token, is not repeated.
    """
    try:
        parsed = httpx.URL(server_of(url))
    except httpx.InvalidURL as exc:
        raise ValueError("is no URL, such as https://launchkit.example") from exc
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise ValueError("the URL of a queue service begins with http:// or https:// and a host")
    if parsed.port is not None and not 0 < parsed.port <= MOST_PORT:
        raise ValueError(f"is no URL: a port is a number from 1 to {MOST_PORT}")
    if parsed.query or parsed.userinfo or parsed.fragment:
        raise ValueError(
            "the URL of a queue service is its address alone; a token is given by launchkit login,"
            " LAUNCHKIT_TOKEN, LAUNCHKIT_TOKEN_FILE or token-file, which are not logged"
        )
    return parsed


async def connect(
    stack: AsyncExitStack, url: str, entity: str, token: Secret | None, token_file: str | None
) -> Service:
    """The service at *url*; *stack* closes its connections.

    :raises ConfigError: if the token cannot be read, or what the environment says of proxies and
        authorities makes no sense.
    """
    base = server_of(url)
    scheme = require_address(base).scheme

    def find() -> Secret | None:
        return find_token(base, token=token, token_file=token_file, environ=os.environ)

    def found() -> tuple[Secret | None, ssl.SSLContext]:
        return find(), _tls(scheme)

    given, verify = await anyio.to_thread.run_sync(found)
    headers = {PROTOCOL_HEADER: PROTOCOL, "accept-encoding": "gzip"}
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
    client = await stack.enter_async_context(http_client(verify, headers=headers, limits=limits))
    return Service(client, base, entity, find, given)


def _tls(scheme: str) -> ssl.SSLContext:
    """What the machine trusts; reading that takes long, and is for nothing without TLS."""
    if scheme == "https":
        return machine_trust()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
