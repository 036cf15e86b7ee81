"""The calls of Vertex AI for all runs of an agent: paced, and made again while it is away."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

import anyio
import grpc
import grpc.aio
from google.cloud.aiplatform_v1 import types
from google.cloud.aiplatform_v1.services.job_service import JobServiceAsyncClient
from google.cloud.aiplatform_v1.services.job_service.transports.grpc_asyncio import (
    JobServiceGrpcAsyncIOTransport,
)
from google.protobuf import json_format

from launchkit.aio.retry import Backoff, On, retry
from launchkit.aio.trouble import Trouble
from launchkit.runners.pace import Pace
from launchkit_gcp.credentials import Token
from launchkit_gcp.environment import GcpEnvironment
from launchkit_gcp.errors import GcpAway, GcpError, GcpRefused, NoLogin
from launchkit_gcp.vertex.grpc_errors import explained
from launchkit_gcp.vertex.names import parent_of
from launchkit_gcp.vertex.view import JobView, view_of

log = logging.getLogger("launchkit.gcp")
T = TypeVar("T")

AWAY = Backoff(first=0.2, cap=10.0)
CALL_SECONDS = 60.0
CLOSE_SECONDS = 5.0
PAGE = 100
MAX_PAGES = 100
CHANNEL = (("grpc.keepalive_time_ms", 60_000), ("grpc.max_receive_message_length", 64 << 20))


def is_login(exc: Exception) -> bool:
    """Whether the agent has no credentials that count: they may be given to it at any time."""
    return isinstance(exc, NoLogin) or (isinstance(exc, GcpRefused) and exc.expired)


def _passes(exc: Exception) -> bool:
    return isinstance(exc, GcpAway) or is_login(exc)


@dataclass(frozen=True)
class Trying:
    """What is tried again, and how."""

    on: On = _passes
    backoff: Backoff = AWAY


PATIENT = Trying()
WITH_LOGIN = Trying(on=GcpAway)
"""Where somebody else waits for credentials."""
AT_A_LOOK = Trying(on=GcpAway, backoff=Backoff(first=0.1, cap=0.5, deadline=2.0))
"""While somebody waits to hear what is wrong; one page is enough then."""


class VertexApi:
    """What is asked of Vertex AI in one project and region."""

    def __init__(
        self, environment: GcpEnvironment, client: JobServiceAsyncClient, region: str, rate: float
    ) -> None:
        self.project, self.region = environment.project, region
        self.parent = parent_of(self.project, self.region)
        self.trouble = Trouble(log, f"Vertex AI in {self.region}")
        self._environment = environment
        self._client = client
        self._looks = Pace(rate, max(1.0, 2 * rate))
        self._changes = Pace(rate, max(1.0, 2 * rate))

    async def get(self, name: str) -> JobView | None:
        """A job as it is now; None: there is none. :raises GcpError: if it is not told."""
        try:
            call = partial(self._client.get_custom_job, name=name)
            return view_of(await self._asked("GetCustomJob", call, self._looks))
        except GcpRefused as exc:
            if exc.not_found:
                return None
            raise

    async def list(self, wanted: str, how: Trying = PATIENT) -> Sequence[JobView]:
        """The jobs for which a filter holds, as one listing in pages tells of them.

        :raises GcpError: if they are not told.
        """
        found: list[JobView] = []
        token = ""
        for _ in range(MAX_PAGES):
            request = types.ListCustomJobsRequest(
                parent=self.parent, filter=wanted, page_size=PAGE, page_token=token
            )
            call = partial(self._page, request)
            page = await self._asked("ListCustomJobs", call, self._looks, how)
            found += [view_of(one) for one in page.custom_jobs]
            token = page.next_page_token
            if not token or how is AT_A_LOOK:
                break
        return found

    async def create(self, body: Mapping[str, Any]) -> JobView:
        """Create a job, with one try: without an answer there may be one or not.

        :raises GcpError: if it is not made, or nothing is told.
        """
        job = custom_job(body)
        call = partial(self._client.create_custom_job, parent=self.parent, custom_job=job)
        return view_of(await self._once("CreateCustomJob", call, self._changes))

    async def cancel(self, name: str) -> None:
        """Have a job end; it takes its time. :raises GcpError: if it is refused."""
        call = partial(self._client.cancel_custom_job, name=name)
        await self._asked("CancelCustomJob", call, self._changes)

    async def _page(self, request: types.ListCustomJobsRequest, **more: Any) -> Any:
        """One page alone: the library's pager would read on by itself, without a pause."""
        pager = await self._client.list_custom_jobs(request=request, **more)
        pages: Any = pager.pages
        async with aclosing(pages):
            return await anext(pages)

    async def _asked(
        self,
        operation: str,
        call: Callable[..., Awaitable[T]],
        pace: Pace,
        how: Trying = PATIENT,
    ) -> T:
        return await retry(
            partial(self._once, operation, call, pace),
            on=how.on,
            backoff=how.backoff,
            trouble=None if how is AT_A_LOOK else self.trouble,
        )

    async def _once(self, operation: str, call: Callable[..., Awaitable[T]], pace: Pace) -> T:
        """One try; a second one at once where a token no longer counts."""
        what, token = f"Vertex AI: {operation}", await self._environment.token()
        try:
            return await _sent(what, call, pace, token)
        except GcpRefused as exc:
            if not exc.expired:
                raise
            (await self._environment.api()).credentials.distrust(token)
            return await _sent(what, call, pace, await self._environment.token())


async def _sent(what: str, call: Callable[..., Awaitable[T]], pace: Pace, token: Token) -> T:
    metadata = [(name.lower(), str.__str__(text)) for name, text in token.headers.items()]
    await pace.turn()
    try:
        with explained(what):
            answer = await call(metadata=metadata, timeout=CALL_SECONDS)
    except GcpAway as exc:
        if exc.throttled:
            pace.refused()
        raise
    pace.went_well()
    return answer


def custom_job(body: Mapping[str, Any]) -> types.CustomJob:
    """The proto of a request. :raises GcpError: if the proto does not have it."""
    made = types.CustomJob.pb(types.CustomJob())
    try:
        json_format.ParseDict(body, made)
    except json_format.ParseError as exc:
        raise GcpError(f"Vertex AI: what is asked for is no CustomJob: {exc}") from exc
    job: types.CustomJob = types.CustomJob.wrap(made)
    return job


def open_api(
    stack: AsyncExitStack, environment: GcpEnvironment, region: str, *, rate: float
) -> VertexApi:
    """The calls to a region; Vertex AI need not answer yet."""
    channel = _channel(environment.endpoint_urls.get("aiplatform"), region)
    stack.push_async_callback(_close, channel)
    client = JobServiceAsyncClient(transport=JobServiceGrpcAsyncIOTransport(channel=channel))
    return VertexApi(environment, client, region, rate)


def _channel(url: str | None, region: str) -> grpc.aio.Channel:
    """A connection, made when it is first needed. Tokens go with each call, so that they are got
    by the loop and not by a thread of the library.
    """
    parts = urlsplit(url or f"https://{region}-aiplatform.googleapis.com")
    plain = parts.scheme == "http"
    target = f"{parts.hostname}:{parts.port or (80 if plain else 443)}"
    if plain:
        return grpc.aio.insecure_channel(target, options=CHANNEL)
    return grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(), options=CHANNEL)


async def _close(channel: grpc.aio.Channel) -> None:
    with anyio.move_on_after(CLOSE_SECONDS, shield=True):
        await channel.close(None)
