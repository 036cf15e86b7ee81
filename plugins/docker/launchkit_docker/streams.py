"""Calls of the Engine that answer for as long as the caller listens."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiodocker import Docker
from aiohttp import ClientResponse, ClientTimeout


@asynccontextmanager
async def streamed(
    engine: Docker, path: str, params: Mapping[str, str]
) -> AsyncIterator[ClientResponse]:
    """Get, with no limit of time; leaving early hangs up.

    :raises DockerError: if the Engine refuses at once, or cannot be reached.
    """
    async with engine._query(  # noqa: SLF001 - the public calls decode what they get
        path, params=dict(params), timeout=ClientTimeout()
    ) as response:
        try:
            yield response
        finally:
            response.close()
