"""What comes in pieces, up to a bound."""

from collections.abc import AsyncIterable


async def read_up_to(most: int, pieces: AsyncIterable[bytes]) -> bytes | None:
    """All of it, or None if it has more than *most* bytes, after which no more is read."""
    data = bytearray()
    async for piece in pieces:
        data += piece
        if len(data) > most:
            return None
    return bytes(data)
