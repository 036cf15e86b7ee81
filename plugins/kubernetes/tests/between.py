"""A server before a cluster's, such as one that checks logins: some requests it answers itself."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from anyio.streams.memory import MemoryObjectReceiveStream

from .cluster.access import Access

TAKEN_ALONG = ("Accept", "Authorization", "Content-Type")


@dataclass(frozen=True)
class Answer:
    """What is answered in the place of the API server."""

    status: int = 200
    body: str = "{}"
    headers: dict[str, str] = field(default_factory=dict)
    after: bool = False
    """Whether the API server has done it before."""
    rest: MemoryObjectReceiveStream[bytes] | None = None
    """What is told later, until that ends."""


class Between:
    """Passes requests on to the API server of a cluster."""

    def __init__(self, cluster: Access) -> None:
        self.url = ""
        self.asked: list[str] = []
        """Each request, such as `GET /path?query`."""
        self.answered: list[str] = []
        """Each whose answer has begun to be passed on."""
        self._cluster = cluster
        self.answers: list[tuple[str, Answer]] = []
        """Those that are still to be given, and to what."""
        self._http: aiohttp.ClientSession

    def answer(self, word: str, answer: Answer, times: int = 1) -> None:
        """Answer the next requests with *word* in their method and address like this."""
        self.answers += [(word, answer)] * times

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Between"]:
        """Listen until the end of the context."""
        connector = aiohttp.TCPConnector(ssl=self._cluster.tls(), limit=0)
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._respond)
        runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=1)
        async with aiohttp.ClientSession(connector=connector) as self._http:
            await runner.setup()
            try:
                await web.TCPSite(runner, "127.0.0.1", 0).start()
                self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
                yield self
            finally:
                await runner.cleanup()

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        asked = f"{request.method} {request.path_qs}"
        self.asked.append(asked)
        own = next((one for one in self.answers if one[0] in asked), None)
        if own is None:
            return await self._pass(request)
        self.answers.remove(own)
        answer = own[1]
        if answer.after:
            async with self._sent(request, await request.read()) as done:
                await done.read()
        headers = {"Content-Type": "application/json", **answer.headers}
        response = web.StreamResponse(status=answer.status, headers=headers)
        await response.prepare(request)
        await response.write(answer.body.encode())
        if answer.rest is not None:
            async for piece in answer.rest:
                await response.write(piece)
        await response.write_eof()
        return response

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        async with self._sent(request, await request.read()) as passed:
            response = web.StreamResponse(status=passed.status)
            response.content_type = passed.content_type
            await response.prepare(request)
            self.answered.append(f"{request.method} {request.path_qs}")
            async for piece in passed.content.iter_any():
                await response.write(piece)
            await response.write_eof()
            return response

    def _sent(
        self, request: web.Request, data: bytes
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        headers = {name: request.headers[name] for name in TAKEN_ALONG if name in request.headers}
        address = f"{self._cluster.server}{request.path_qs}"
        return self._http.request(request.method, address, data=data or None, headers=headers)


@asynccontextmanager
async def between(cluster: Access) -> AsyncIterator[Between]:
    """One that listens."""
    async with Between(cluster).listening() as server:
        yield server
