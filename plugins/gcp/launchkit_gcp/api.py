"""Requests to Google's APIs over HTTP; imported when the first one is made."""

import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import anyio
import httpx

from launchkit.aio.answers import AnswerTooLong, read_whole
from launchkit.aio.http import http_client, machine_trust
from launchkit.aio.retry import Backoff, retry
from launchkit.plain_text import shortened
from launchkit_gcp.credentials import GcpCredentials, Token
from launchkit_gcp.errors import PROXY_HINT, GcpAway, GcpError, GcpRefused, failure
from launchkit_gcp.places import GcpPlace

TIMEOUT = httpx.Timeout(60.0, connect=5.0)
CLOSE_SECONDS = 5.0
LONGEST_ANSWER = 8 << 20
GZIP = {"accept-encoding": "gzip"}
BACKOFF = Backoff(first=0.2, cap=2.0, deadline=6.0)
"""Of a request that is throttled, meets a fault of Google's, or a connection that breaks: all that
are made here may be made again.
"""


@dataclass(frozen=True)
class Answer:
    """What an API has said."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self, what: str) -> Mapping[str, Any]:
        """Its object. :raises GcpAway: if it is none."""
        try:
            told = json.loads(self.content)
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            raise GcpAway(f"{what}: its answer is none of Google's", hint=PROXY_HINT)
        return told


class GoogleApi:
    """Carries requests, with a token that counts. It may be used by any number of tasks."""

    def __init__(
        self, place: GcpPlace, credentials: GcpCredentials, client: httpx.AsyncClient
    ) -> None:
        self.place = place
        self.credentials = credentials
        self._client = client

    async def send(
        self,
        what: str,
        method: str,
        url: str,
        *,
        backoff: Backoff = BACKOFF,
        login: bool = True,
        accepted: tuple[int, ...] = (),
        **request: Any,
    ) -> Answer:
        """The answer of a success, or of a status that is *accepted*. Errors begin with *what*.
        Without a *login* the URL itself is what lets one in.

        :raises GcpError: if there is none.
        """

        async def act() -> Answer:
            token = await self.credentials.token() if login else None
            answer = await self._once(what, method, url, token, request)
            if answer.status == HTTPStatus.UNAUTHORIZED and token:
                self.credentials.distrust(token)
                token = await self.credentials.token()
                answer = await self._once(what, method, url, token, request)
            if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
                return answer
            if answer.status in accepted:
                return answer
            raise failure(what, answer.status, answer.headers, answer.content)

        return await retry(act, on=GcpAway, backoff=backoff)

    async def found(self, what: str, url: str, **request: Any) -> Mapping[str, Any] | None:
        """The object that is at a URL; None: there is none. :raises GcpError: if it is not told."""
        try:
            return (await self.send(what, "GET", url, **request)).json(what)
        except GcpRefused as exc:
            if exc.not_found:
                return None
            raise

    async def _once(
        self, what: str, method: str, url: str, token: Token | None, request: Mapping[str, Any]
    ) -> Answer:
        headers = {**GZIP, **request.get("headers", {}), **(token.headers if token else {})}
        asked = {**request, "headers": headers}
        try:
            async with self._client.stream(method, url, **asked) as answer:
                await read_whole(answer, LONGEST_ANSWER)
                return Answer(answer.status_code, answer.headers, answer.content)
        except AnswerTooLong as exc:
            raise GcpAway(f"{what}: its answer does not end", hint=PROXY_HINT) from exc
        except httpx.InvalidURL as exc:
            raise GcpError(f"{what}: it names an address that is none") from exc
        except httpx.TimeoutException as exc:
            told = f"{what}: it does not answer in time"
            raise GcpAway(told, hint="check the network, HTTPS_PROXY and NO_PROXY") from exc
        except httpx.HTTPError as exc:
            why = shortened(str(exc), 300) or type(exc).__name__
            hint = "check the network, HTTPS_PROXY and NO_PROXY"
            host = httpx.URL(url).netloc.decode()
            raise GcpAway(f"{what}: {host} cannot be reached: {why}", hint=hint) from exc


async def open_api(stack: AsyncExitStack, place: GcpPlace) -> GoogleApi:
    """What asks the services of a place, until the stack is left. Nothing is asked yet.

    :raises ConfigError: if what the environment says of proxies and authorities makes no sense.
    """
    context = await anyio.to_thread.run_sync(machine_trust)
    client = http_client(context, timeout=TIMEOUT)
    stack.push_async_callback(_close, client)
    return GoogleApi(place, GcpCredentials(place), client)


async def _close(client: httpx.AsyncClient) -> None:
    with anyio.move_on_after(CLOSE_SECONDS, shield=True):
        await client.aclose()
