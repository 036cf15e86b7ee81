"""Bodies as they come: not too large, not too slow, and unpacked."""

import zlib
from dataclasses import dataclass

import anyio
from pydantic_core import from_json
from starlette.datastructures import Headers
from starlette.types import Message, Receive

from launchkit_server.problems import Refusal

GZIP = 16 + zlib.MAX_WBITS
MOST_OPENED = 200_000
"""Lists and objects of a body: each takes as long to make as some hundred letters."""
MOST_PARTED = 1_000_000
"""Commas of a body, of which there is one for each value but the first ones."""
SPARE = 10
"""How much less deeply than pydantic reads a body may be nested: it is kept, and answered, as a
part of something larger.
"""


@dataclass(frozen=True, kw_only=True)
class BodyRules:
    """What a body may be."""

    size: int
    """Bytes, after unpacking."""
    piece_seconds: float
    """How long it may be silent."""
    seconds: float | None
    """How long it may take; None is as long as it goes on."""
    packed: bool
    """Whether it may come compressed with gzip."""
    json: bool
    """Whether it must be JSON."""

    def objection(self, headers: Headers) -> Refusal | None:
        """Why a body is not even read, by the headers of its request."""
        length = headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > 15 or int(length) > self.size:
            return self.too_large()
        if not int(length) and "transfer-encoding" not in headers:
            return None
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if self.json and kind != "application/json":
            named = repr(kind[:60]) if kind else "a body of no type"
            return Refusal(415, f"{named}: this takes application/json")
        coding = headers.get("content-encoding", "identity").strip().lower()
        if coding != "identity" and (coding != "gzip" or not self.packed):
            takes = "gzip or none" if self.packed else "none"
            return Refusal(415, f"content-encoding {coding[:60]!r}: this takes {takes}")
        return None

    def too_large(self) -> Refusal:
        return Refusal(413, f"a body here has at most {self.size} bytes")


class Body:
    """The body of one request."""

    def __init__(self, receive: Receive, rules: BodyRules, headers: Headers) -> None:
        packed = rules.packed and headers.get("content-encoding", "").strip().lower() == "gzip"
        self._receive = receive
        self._rules = rules
        self._unpack = zlib.decompressobj(GZIP) if packed else None
        self._came = 0
        self._pieces: list[bytes] = []
        self._whole = False
        self._deadline = anyio.current_time() + (rules.seconds or float("inf"))

    async def receive(self) -> Message:
        """The next message of the request.

        :raises Refusal: if the body is larger or slower than it may be, or cannot be unpacked.
        """
        if self._whole:
            return await self._receive()  # only tells when the client has gone
        now = anyio.current_time()
        message: Message | None = None
        with anyio.move_on_at(min(self._deadline, now + self._rules.piece_seconds)):
            message = await self._receive()
        if message is None:
            raise Refusal(408, "the body of the request did not come in time")
        if message["type"] == "http.request":
            self._whole = not message.get("more_body", False)
            data = message.get("body", b"")
            message = {**message, "body": self._unpacked(data) if self._unpack else data}
            self._came += len(message["body"])
            if self._came > self._rules.size:
                raise self._rules.too_large()
            if self._rules.json:
                self._pieces.append(message["body"])
                if self._whole:
                    _require_json(b"".join(self._pieces))
        return message

    def _unpacked(self, data: bytes) -> bytes:
        assert self._unpack is not None  # noqa: S101 - only asked if there is one
        try:
            plain = self._unpack.decompress(data, self._rules.size - self._came + 1)
        except zlib.error as exc:
            raise Refusal(400, f"the body is not gzip, as content-encoding says: {exc}") from exc
        if self._unpack.unconsumed_tail:
            raise self._rules.too_large()
        if self._whole and not self._unpack.eof:
            raise Refusal(400, "the body ends in the middle of its gzip data")
        return plain


def _require_json(text: bytes) -> None:
    """:raises Refusal: for what would keep all others waiting, what is no JSON, and what JSON can
    say and nobody can keep: what is nested too deeply, and half a letter of UTF-16.
    """
    if not text:
        return
    if text.count(b"[") + text.count(b"{") > MOST_OPENED or text.count(b",") > MOST_PARTED:
        most = f"{MOST_OPENED} lists and objects, and {MOST_PARTED} commas"
        raise Refusal(413, f"a body here has at most {most}, also in its texts")
    try:
        from_json(b"[" * SPARE + text + b"]" * SPARE)
    except ValueError as exc:
        detail = f"the body is no JSON that can be kept: {exc}"
        raise Refusal(422, detail, code="config_invalid") from exc
