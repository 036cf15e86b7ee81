"""Whole answers of servers that nobody vouches for: what is read of them has an end."""

import zlib

import anyio
import httpx

from launchkit.aio.pieces import read_up_to
from launchkit.plain_text import shortened

MAX_REDIRECTS = 20
PLAIN = frozenset({"", "identity"})
GZIP = zlib.MAX_WBITS | 16
QUESTIONS = frozenset({"GET", "HEAD"})
ANSWER_SECONDS = 60.0
"""How long it may all take, for httpx counts anew with each piece that comes."""


class AnswerTooLong(httpx.RequestError):
    """An answer, unpacked, has more bytes than whoever asks reads."""

    def __init__(self, longest: int, request: httpx.Request) -> None:
        super().__init__(f"its answer has more than {longest} bytes", request=request)


async def whole_answer(
    client: httpx.AsyncClient,
    request: httpx.Request,
    longest: int,
    *,
    auth: httpx.Auth | None = None,
    seconds: float = ANSWER_SECONDS,
) -> httpx.Response:
    """Send, follow redirects, and read the answer; of those that lead elsewhere nothing is read.
    What has a body, in which there may be a login, is sent nowhere else.

    :raises AnswerTooLong: if it has more than *longest* bytes.
    :raises httpx.RequestError: if there is none within *seconds*, or it leads from TLS to where
        there is none.
    """
    try:
        with anyio.fail_after(seconds):
            return await _answer(client, request, longest, auth)
    except TimeoutError as exc:
        text = f"its answer is not there after {seconds:g} seconds"
        raise httpx.ReadTimeout(text, request=request) from exc


async def _answer(
    client: httpx.AsyncClient, request: httpx.Request, longest: int, auth: httpx.Auth | None
) -> httpx.Response:
    request.headers["Accept-Encoding"] = "gzip"
    for _ in range(MAX_REDIRECTS + 1):
        response = await client.send(request, auth=auth, stream=True, follow_redirects=False)
        try:
            led = response.next_request if request.method in QUESTIONS else None
            if led is None:
                await read_whole(response, longest)
                return response
        finally:
            await response.aclose()
        if request.url.scheme == "https" and led.url.scheme != "https":
            text = f"it leads to {led.url.host}, where there is no TLS"
            raise httpx.RequestError(text, request=request)
        request, auth = led, None  # which keeps the login for its own host
    raise httpx.TooManyRedirects("too many redirects", request=request)


async def read_whole(response: httpx.Response, longest: int) -> None:
    """Read an answer that has begun; to be asked for no other packing than gzip.

    :raises AnswerTooLong: if it has more than *longest* bytes.
    :raises httpx.RequestError: if it breaks off, or cannot be unpacked.
    """
    packed = await read_up_to(longest, response.aiter_raw())
    if packed is None:
        raise AnswerTooLong(longest, response.request)
    response._content = _unpacked(response, packed, longest)  # noqa: SLF001 - as aread()


def _unpacked(response: httpx.Response, packed: bytes, longest: int) -> bytes:
    """By hand: httpx unpacks a piece at once, whatever it becomes, and as often as it is told."""
    coding = response.headers.get("content-encoding", "").strip().lower()
    if not packed or coding in PLAIN:
        return packed
    if coding != "gzip":
        text = f"its answer is packed as {shortened(repr(coding), 100)}, which it was not asked for"
        raise httpx.DecodingError(text, request=response.request)
    unpacker = zlib.decompressobj(GZIP)
    try:
        data = unpacker.decompress(packed, longest + 1)
    except zlib.error as exc:
        raise httpx.DecodingError(str(exc), request=response.request) from exc
    if len(data) > longest:
        raise AnswerTooLong(longest, response.request)
    return data
