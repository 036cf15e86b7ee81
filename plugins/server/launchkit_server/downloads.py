"""Logs as files."""

from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.responses import StreamingResponse

from launchkit.errors import Unreachable
from launchkit.wire.protocol import BYTES_TYPE
from launchkit_server.logs import ServedLogs
from launchkit_server.ranges import ByteRange, wanted_range

Still = Callable[[], Awaitable[object]]
"""Raises an error if who asked may not any more: what takes long is read piece by piece, and in
between tokens are revoked, and roles taken away.
"""


async def while_allowed(pieces: AsyncIterator[bytes], still: Still) -> AsyncIterator[bytes]:
    """The same pieces, as long as who asked may have them, or send them."""
    async for piece in pieces:
        await still()
        yield piece


async def downloaded(
    stored: ServedLogs, item_id: str, attempt: int | None, wanted: str | None, still: Still
) -> StreamingResponse:
    """All of a log as far as it goes now, or the bytes that a `Range` of *wanted* names.

    :raises NotFound: if there is no such launch.
    :raises Refusal: if there are no such bytes.
    """
    attempt = attempt or await stored.latest_attempt(item_id)
    size = (await stored.read(item_id, attempt, 0)).size
    part = wanted_range(wanted, size)
    bounds = part or ByteRange(0, size, size)
    headers = {
        "accept-ranges": "bytes",
        "content-length": str(bounds.end - bounds.begin),
        **({"content-range": part.content_range} if part else {}),
    }
    content = while_allowed(_pieces(stored, item_id, attempt, bounds), still)
    return StreamingResponse(content, 206 if part else 200, headers, media_type=BYTES_TYPE)


async def _pieces(
    stored: ServedLogs, item_id: str, attempt: int, bounds: ByteRange
) -> AsyncIterator[bytes]:
    at = bounds.begin
    while at < bounds.end:
        page = await stored.read(item_id, attempt, at)
        data = page.data[: bounds.end - at]
        if not data:
            raise Unreachable(f"the log of {item_id} was removed while it was sent")
        at += len(data)
        yield data
