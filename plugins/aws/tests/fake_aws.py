"""A stand-in for any service of AWS that speaks JSON: requests and replies are held against
botocore's own description of the service, with patterns and enums, which botocore does not check.
"""

import inspect
import json
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import botocore.loaders
import botocore.model
import botocore.validate
from aiohttp import web

from .models import faults, model_of


class AwsFault(Exception):
    """The answer is an error."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(code)
        self.code, self.message, self.status = code, message, status


class FakeAws:
    """Serves what *impl* has as methods, by the names of operations."""

    def __init__(self, service: str, impl: Any) -> None:
        self.model, self.impl = model_of(service), impl
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.keys: list[str] = []
        """The access keys with which requests were signed."""
        self.faults: list[AwsFault] = []
        """The next answers."""

    async def handle(self, request: web.Request) -> web.Response:
        operation = request.headers["X-Amz-Target"].rpartition(".")[2]
        body = json.loads(await request.read() or b"{}")
        self.calls.append((operation, body))
        try:
            return self._reply(200, await self._answer(request, operation, body))
        except AwsFault as exc:
            return self._reply(exc.status, {"__type": exc.code, "message": exc.message})

    async def _answer(self, request: web.Request, operation: str, body: Any) -> Any:
        signed = re.search(r"Credential=([^/]+)/", request.headers.get("Authorization", ""))
        if signed is None:
            raise AwsFault("MissingAuthenticationTokenException", "unsigned", 403)
        self.keys.append(signed[1])
        if self.faults:
            raise self.faults.pop(0)
        model = self.model.operation_model(operation)
        report = botocore.validate.ParamValidator().validate(body, model.input_shape)
        if report.has_errors():
            raise AwsFault("ValidationException", report.generate_report())
        if bad := list(faults(model.input_shape, body)):
            raise AwsFault("ValidationException", "; ".join(bad))
        told = getattr(self.impl, operation)(body)
        told = await told if inspect.isawaitable(told) else told
        assert not model.output_shape or set(told) <= set(model.output_shape.members), set(told)
        return told

    def _reply(self, status: int, body: Any) -> web.Response:
        headers = {"x-amzn-RequestId": str(uuid.uuid4())}
        text = json.dumps(body)
        kind = "application/x-amz-json-1.1"
        return web.Response(status=status, text=text, content_type=kind, headers=headers)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Its URL, for the time of the context."""
        app = web.Application(client_max_size=8 << 20)
        app.router.add_post("/", self.handle)
        async with serving(app) as url:
            yield url


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()
