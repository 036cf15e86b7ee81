"""A receiver of webhooks on a socket, which checks each signature by its own means. It can be told
to fail, to lead elsewhere, and to hang.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import uvicorn
from anyio.from_thread import start_blocking_portal
from anyio.lowlevel import checkpoint
from launchkit_server.process import listening, url_of
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

TOLERANCE_SECONDS = 300


@dataclass
class Receiver:
    """What came, and how it answers next; `/ok` always takes all."""

    url: str = ""
    secret: str = ""
    status: int = 204
    text: str = ""
    came: list[dict[str, Any]] = field(default_factory=list)
    """The body of each message, with its id, the path and the query of its address."""

    async def take(self, request: Request) -> Response:
        body = (await request.body()).decode()
        path = request.url.path
        self.require_signature(request, body)
        about = {"id": request.headers["webhook-id"], "path": path, "query": request.url.query}
        self.came.append({**about, **json.loads(body)})
        if path == "/hang":
            await anyio.sleep_forever()
        if path == "/drip":
            return StreamingResponse(self._drip())
        if path == "/elsewhere":
            return RedirectResponse("/ok", 307)
        if path == "/ok":
            return Response(status_code=204)
        return PlainTextResponse(self.text, self.status)

    def of(self, path: str) -> list[dict[str, Any]]:
        return [one for one in self.came if one["path"] == path]

    def require_signature(self, request: Request, body: str) -> None:
        head = request.headers
        assert abs(time.time() - int(head["webhook-timestamp"])) < TOLERANCE_SECONDS
        assert head["content-type"] == "application/json"
        if not self.secret:
            return
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        text = f"{head['webhook-id']}.{head['webhook-timestamp']}.{body}"
        right = base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()
        assert head["webhook-signature"] == f"v1,{right}"

    async def _drip(self) -> AsyncIterator[bytes]:
        while True:
            yield b"\x1b[31mx\x00" * 10_000
            await checkpoint()  # a client that has gone is heard of


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that listens for the time of the context."""
    receiver = Receiver()
    app = Starlette(routes=[Route("/{path:path}", receiver.take, methods=["POST"])])
    made = listening("127.0.0.1", 0)
    receiver.url = url_of(made)
    config = uvicorn.Config(app, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    with start_blocking_portal() as portal:
        done = portal.start_task_soon(server.serve, [made])
        try:
            yield receiver
        finally:
            server.should_exit = True
            done.result()
