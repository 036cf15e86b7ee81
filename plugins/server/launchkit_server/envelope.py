"""What stands around each request: its id, the protocol, the rules of its body, the last resort."""

import logging
import re
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import uuid4

import anyio
from anyio.lowlevel import checkpoint
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from launchkit.errors import ConfigError, LaunchkitError
from launchkit.wire.problems import problem_of
from launchkit.wire.protocol import PROTOCOL, PROTOCOL_HEADER, REQUEST_ID_HEADER, check_protocol
from launchkit_server import targets
from launchkit_server.access import prove
from launchkit_server.bodies import Body, BodyRules, is_long
from launchkit_server.heads import readable
from launchkit_server.problems import Refusal, answer, refusal_of, told
from launchkit_server.rates import Askers, Rates, asker
from launchkit_server.routes import is_page
from launchkit_server.service import Service
from launchkit_server.strangers import Stranger, let_others

log = logging.getLogger("launchkit.server")
request_id: ContextVar[str] = ContextVar("request_id", default="-")
"""The id of the request that is answered, for the lines of the log."""

PIECE = 64 * 2**10
"""Bytes of an answer that are handed on at once."""
STREAM_TYPE = "text/event-stream"
UNBUFFERED = {"cache-control": "no-cache, no-transform", "x-accel-buffering": "no"}
"""What keeps proxies from holding a stream back: to keep it, or to compress it."""
UNKEPT = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
"""What keeps an answer out of caches, such as one with the secret of a token, and a log of anything
from being taken for a page; of what says nothing else itself.
"""

_ARCHIVE = re.compile(r"/api/v1/entities/[^/]+/archives/[^/]+")
_OUTPUT = re.compile(r"/api/v1/entities/[^/]+/agent/items/[^/]+/log")
_HOST = re.compile(r"(?:[\w.~%-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{0,5})?|", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much, how slowly and how often one may send."""

    body: int = 16 * 2**20
    """Bytes of a body, but for packed code."""
    form: int = 4 * 2**20
    """Bytes of what a page sends."""
    piece_seconds: float = 20.0
    """How long a body may be silent."""
    body_seconds: float = 120.0
    """How long a body may take, but for packed code."""
    requests_per_second: float = 1000.0
    """Of one token, or of an address without one that is known; ten seconds' worth may come at
    once.
    """

    def of(self, path: str, archive: int) -> BodyRules:
        """The rules for bodies that are sent to *path*; packed code has *archive* bytes at most."""
        code = _ARCHIVE.fullmatch(path) is not None
        page = is_page(path)
        return BodyRules(
            size=archive if code else self.form if page else self.body,
            piece_seconds=self.piece_seconds,
            seconds=None if code else self.body_seconds,
            packed=not code and not page,
            json=not code and not page and _OUTPUT.fullmatch(path) is None,
        )


class Envelope:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._askers = Askers(rates=Rates(per_second=limits.requests_per_second))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        service: Service = scope["app"].state.service
        rules = self._limits.of(scope["path"], service.max_archive)
        scope = {**scope, "headers": readable(scope["headers"])}
        letter = _Letter(scope, receive, send, rules)
        request_id.set(letter.id)
        try:
            async with self._in_turn(scope, letter):
                letter.refusal = self._too_often(scope) or self._objection(scope, letter)
                if letter.refusal is None:
                    with await self._admitted(scope, rules):
                        await self._app(scope, letter.receive, self._counting(scope, letter.send))
        except ClientDisconnect:
            letter.lost()
            return
        except Refusal as exc:
            letter.refusal = exc
        except Exception as exc:
            if letter.answered and isinstance(exc.__cause__, LaunchkitError):
                log.info("request %s: cut short: %s", letter.id, exc.__cause__)
                return
            if letter.answered and _is_of_a_lost_stream(exc):
                letter.lost()
                return
            if letter.refusal is None:
                log.exception("request %s failed", letter.id)
                letter.refusal = Refusal(500, "a fault of the server; its log has more")
        if letter.refusal is not None and not letter.answered:
            await letter.refuse(letter.refusal)

    def _counting(self, scope: Scope, send: Send) -> Send:
        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._askers.answered(scope, message["status"])
                await let_others(scope)
            await send(message)

        return counted

    @asynccontextmanager
    async def _in_turn(self, scope: Scope, letter: "_Letter") -> AsyncIterator[None]:
        """What lasts as long as a request, in the turn of those who prove nothing if it does not.

        :raises Refusal: if that does not come.
        """
        service: Service = scope["app"].state.service
        place = self._askers.stranger(scope)
        if place is None:
            yield
            return
        async with Stranger.of(scope, place, service.strangers) as letter.body.stranger:
            yield

    async def _admitted(self, scope: Scope, rules: BodyRules) -> AbstractContextManager[None]:
        """What lasts as long as a request. :raises Refusal: if its long body is not read, as who
        sends it proves nothing, or has sent enough.
        """
        headers = Headers(scope=scope)
        if is_page(scope["path"]) or not is_long(headers):
            return nullcontext()
        service: Service = scope["app"].state.service
        try:
            who = asker(await prove(headers, service))
            return service.bodies.of(who) if rules.json else nullcontext()
        except LaunchkitError as exc:
            self._askers.answered(scope, problem_of(exc).status)
            raise refusal_of(exc) from exc

    def _too_often(self, scope: Scope) -> Refusal | None:
        early = self._askers.early(scope)
        if not early:
            return None
        many = f"{self._limits.requests_per_second:g} requests a second"
        return Refusal(429, f"more came than {many}", retry_after=early)

    def _objection(self, scope: Scope, letter: "_Letter") -> Refusal | None:
        """What its head says against a request, which counts all the same."""
        refusal = letter.objection()
        if refusal is not None:
            self._askers.answered(scope, refusal.problem(letter.id).status)
        return refusal


class _Letter:
    def __init__(self, scope: Scope, receive: Receive, send: Send, rules: BodyRules) -> None:
        self._scope = scope
        self._headers = Headers(scope=scope)
        self.body = Body(receive, rules, self._headers, scope["app"].state.service.turns)
        self._rules = rules
        self._send = send
        self.answered = False
        self._left = False
        self.refusal: Refusal | None = None
        given = self._headers.get(REQUEST_ID_HEADER, "")
        self.id = given if re.fullmatch(r"[\w.-]{1,64}", given, re.ASCII) else uuid4().hex
        scope.setdefault("state", {})["request_id"] = self.id

    def objection(self) -> Refusal | None:
        """Why the request is not even looked at."""
        try:
            theirs = self._headers.get(PROTOCOL_HEADER, PROTOCOL)
            check_protocol(theirs, "the client", "the queue service")
        except ConfigError as exc:
            return refusal_of(exc)
        if not _HOST.fullmatch(self._headers.get("host", "")):
            return Refusal(400, "the header Host names no host")
        return targets.objection(self._scope) or self._rules.objection(self._headers)

    async def refuse(self, refusal: Refusal) -> None:
        """Answer with why; what else comes of the request is not read."""
        self.refusal = None
        await answer(refusal.problem(self.id))(self._scope, self.body.receive, self.send)

    def lost(self) -> None:
        log.info("request %s: the client went away", self.id)

    async def receive(self) -> Message:
        try:
            message = await self.body.receive()
        except Refusal as exc:
            self.refusal = exc
            raise
        self._left = message["type"] == "http.disconnect"
        return message

    async def send(self, message: Message) -> None:
        if self.refusal is not None and not self.answered:
            return  # what the application makes of the refusal is not what is wrong
        if message["type"] == "http.response.start":
            self.answered = True
            if message["status"] >= 400 and not self._left:  # nobody gets it then
                log.info("%s: %d", told(self._scope), message["status"])
            headers = MutableHeaders(scope=message)
            headers[PROTOCOL_HEADER] = PROTOCOL
            headers[REQUEST_ID_HEADER] = self.id
            for name, value in UNKEPT.items():
                headers.setdefault(name, value)
            if headers.get("content-type", "").startswith(STREAM_TYPE):
                headers.update(UNBUFFERED)
        if message["type"] == "http.response.body":
            await self._send_in_pieces(message)
        else:
            await self._send(message)

    async def _send_in_pieces(self, message: Message) -> None:
        """A piece is sent when those before it are on their way, so that this lasts until almost
        all of an answer is taken. Others have their turn before the next one, among them what tells
        that nobody is there any more.
        """
        left = memoryview(message.get("body", b""))
        while len(left) > PIECE:
            piece, left = left[:PIECE], left[PIECE:]
            await self._send({**message, "body": bytes(piece), "more_body": True})
            await checkpoint()
        await self._send({**message, "body": bytes(left)})


def _is_of_a_lost_stream(exc: Exception) -> bool:
    """Whether an answer ended since nobody takes its events any more: FastAPI closes them while its
    own task still hands one on.
    """
    if isinstance(exc, ExceptionGroup):
        return all(map(_is_of_a_lost_stream, exc.exceptions))
    return isinstance(exc, anyio.BrokenResourceError)
