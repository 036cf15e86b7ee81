"""Logs as files."""

from collections.abc import AsyncIterator

from starlette.responses import StreamingResponse

from launchkit.errors import Unreachable
from launchkit.wire.protocol import BYTES_TYPE
from launchkit_server.logs import ServedLogs
from launchkit_server.ranges import ByteRange, wanted_range


async def downloaded(
    stored: ServedLogs, item_id: str, attempt: int | None, wanted: str | None
) -> StreamingResponse:
    """All of a log as far as it goes now, or the bytes that a `Range` of *wanted* names.

    :raises NotFound: if there is no such launch.
    :raises Refusal: if there are no such bytes.
    """
    attempt = attempt or await stored.latest_attempt(item_id)
    size = (await stored.read(item_id, attempt, 0, 0.0)).size
    part = wanted_range(wanted, size)
    bounds = part or ByteRange(0, size, size)
    headers = {
        "accept-ranges": "bytes",
        "content-length": str(bounds.end - bounds.begin),
        **({"content-range": part.content_range} if part else {}),
    }
    content = _pieces(stored, item_id, attempt, bounds)
    return StreamingResponse(content, 206 if part else 200, headers, media_type=BYTES_TYPE)


async def _pieces(
    stored: ServedLogs, item_id: str, attempt: int, bounds: ByteRange
) -> AsyncIterator[bytes]:
    at = bounds.begin
    while at < bounds.end:
        page = await stored.read(item_id, attempt, at, 0.0)
        data = page.data[: bounds.end - at]
        if not data:
            raise Unreachable(f"the log of {item_id} was removed while it was sent")
        at += len(data)
        yield data
