"""Bodies as they come: not too large, not too slow, and unpacked."""

import zlib
from dataclasses import dataclass
from functools import partial

import anyio
from pydantic_core import from_json
from starlette.datastructures import Headers
from starlette.types import Message, Receive

from launchkit.codec import MOST_DIGITS
from launchkit_server.problems import Refusal
from launchkit_server.strangers import Stranger
from launchkit_server.turns import Turns

GZIP = 16 + zlib.MAX_WBITS
LONG = 64 * 2**10
"""Bytes of a body that keeps others waiting."""
MOST_VALUES = 100_000
"""Of JSON: each takes as long to make as some hundred letters."""
DIGITS = bytes.maketrans(b"123456789+-.eE", b"0" * 14)
"""What a number is written with, all as one."""
TOO_LONG = b"0" * (MOST_DIGITS + 1)
"""Such a number: to read or write a whole one takes time with the square of its digits."""
SPARE = 10
"""How much less deeply than pydantic reads a body may be nested: it is kept, and answered, as a
part of something larger.
"""


@dataclass(frozen=True, kw_only=True)
class BodyRules:
    """What a body may be."""

    size: int
    """Bytes, as they come and after unpacking."""
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


def is_long(headers: Headers) -> bool:
    """Whether a body may be long, by the headers of its request."""
    return (
        "transfer-encoding" in headers
        or "content-encoding" in headers  # a few bytes of gzip may become the most there is
        or int(headers.get("content-length", "0")) > LONG
    )


class Body:
    """The body of one request."""

    def __init__(self, receive: Receive, rules: BodyRules, headers: Headers, turns: Turns) -> None:
        packed = rules.packed and headers.get("content-encoding", "").strip().lower() == "gzip"
        self._receive = receive
        self._rules = rules
        self._turns = turns
        self._unpack = zlib.decompressobj(GZIP) if packed else None
        self._came = 0
        self._made = 0
        self._pieces: list[bytes] = []
        self._whole = False
        self.stranger: Stranger | None = None
        """Who sends it, if that is not known when the request comes."""
        self._deadline = anyio.current_time() + (rules.seconds or float("inf"))

    async def receive(self) -> Message:
        """The next message of the request.

        :raises Refusal: if the body is larger or slower than it may be, or cannot be unpacked.
        """
        if self._whole:
            return await self._next(float("inf"))  # only tells when the client has gone
        now = anyio.current_time()
        message = await self._next(min(self._deadline, now + self._rules.piece_seconds))
        if message["type"] == "http.request":
            self._whole = not message.get("more_body", False)
            data = message.get("body", b"")
            self._came += len(data)
            if self._came > self._rules.size:
                raise self._rules.too_large()
            if self._unpack:
                message = {**message, "body": self._unpacked(data)}
            if self._rules.json:
                self._pieces.append(message["body"])
                if self._whole:
                    await self._require_json(b"".join(self._pieces))
        return message

    async def _next(self, until: float) -> Message:
        if self.stranger is not None:
            await self.stranger.give_way()
        message: Message | None = None
        with anyio.move_on_at(until):
            message = await self._receive()
        if message is None:
            raise Refusal(408, "the body of the request did not come in time")
        if self.stranger is not None:
            await self.stranger.go_on()
        return message

    async def _require_json(self, text: bytes) -> None:
        if len(text) <= LONG:
            _require_json(text)
        else:
            await self._turns.take(partial(_require_json, text))

    def _unpacked(self, data: bytes) -> bytes:
        assert self._unpack is not None  # noqa: S101 - only asked if there is one
        try:
            plain = self._unpack.decompress(data, self._rules.size - self._made + 1)
        except zlib.error as exc:
            raise Refusal(400, f"the body is not gzip, as content-encoding says: {exc}") from exc
        self._made += len(plain)
        if self._made > self._rules.size:
            raise self._rules.too_large()
        if self._unpack.unused_data:
            raise Refusal(400, "the body goes on behind the end of its gzip data")
        if self._whole and not self._unpack.eof:
            raise Refusal(400, "the body ends in the middle of its gzip data")
        return plain


def _require_json(text: bytes) -> None:
    """:raises Refusal: for what would keep all others waiting, what is no JSON, and what JSON can
    say and nobody can keep: what is nested too deeply, and half a letter of UTF-16.
    """
    if not text:
        return
    if _parts(text) > MOST_VALUES or _has_long_number(text):
        _require_little(text)
    try:
        from_json(b"[" * SPARE + text + b"]" * SPARE)
    except ValueError as exc:
        detail = f"the body is no JSON that can be kept: {exc}"
        raise Refusal(422, detail, code="config_invalid") from exc


def _require_little(text: bytes) -> None:
    """:raises Refusal: if there is too much also beside what stands in texts."""
    bare = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    few = bare.count(b'"') <= 4 * MOST_VALUES  # a value has a key at most, and both have two
    beside = bare.split(b'"')[::2] if few else []
    if not few or sum(map(_parts, beside)) > MOST_VALUES:
        raise Refusal(413, f"a body here has at most {MOST_VALUES} values")
    if any(map(_has_long_number, beside)):
        raise Refusal(
            422,
            f"the body has a number of more than {MOST_DIGITS} digits",
            code="config_invalid",
            hint="put the number into quotes to make it text",
        )


def _has_long_number(text: bytes) -> bool:
    return TOO_LONG in text.translate(DIGITS)


def _parts(text: bytes) -> int:
    """How many lists, objects, and values in them but the first, begin in a text."""
    return text.count(b"[") + text.count(b"{") + text.count(b",")
