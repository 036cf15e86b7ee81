"""Long calls of the Engine that answer with a stream of JSON messages: build, push."""

import json
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any

from aiodocker import Docker
from aiohttp import ClientResponse, ClientTimeout

from launchkit.abc import Output
from launchkit_docker.engine.streams import whole_lines

Take = Callable[[Mapping[str, Any]], bytes]
"""Turns a message into what is shown of it."""


@asynccontextmanager
async def posted(
    engine: Docker,
    path: str,
    *,
    params: Mapping[str, str],
    headers: Mapping[str, str],
    data: AsyncIterable[bytes] | None = None,
) -> AsyncIterator[ClientResponse]:
    """Post, with no limit of time; leaving early hangs up, and the Engine ends what it was doing.

    :raises DockerError: if the Engine refuses at once, or cannot be reached.
    """
    async with engine._query(  # noqa: SLF001 - the public calls read files in the event loop
        path, "POST", params=dict(params), headers=headers, data=data, timeout=ClientTimeout()
    ) as response:
        try:
            yield response
        finally:
            response.close()


async def follow(response: ClientResponse, take: Take, out: Output) -> None:
    """Give each message to *take* and what it shows to *out*, as much at once as has come.

    :raises DockerError: if one is too long.
    """
    async with aclosing(whole_lines(response.content)) as messages:
        async for lines in messages:
            shown = bytearray()
            try:
                for line in lines:
                    if line.strip():
                        shown += take(json.loads(line))
            finally:
                if shown:
                    await out(bytes(shown))


class Progress:
    """Shows each new state of each layer once, without the bars."""

    def __init__(self) -> None:
        self._states: dict[str, str] = {}

    def take(self, message: Mapping[str, Any]) -> bytes:
        """A line, if the message says something new."""
        layer, state = str(message.get("id", "")), str(message.get("status", ""))
        if not state or (layer and self._states.get(layer) == state):
            return b""
        self._states[layer] = state
        return f"{layer}: {state}\n".encode() if layer else f"{state}\n".encode()


def failure_in(message: Mapping[str, Any]) -> str | None:
    """Why the call failed, if the message says that it did."""
    if "error" not in message and "errorDetail" not in message:
        return None
    detail = message.get("errorDetail")
    said = detail.get("message") if isinstance(detail, Mapping) else None
    return str(said or message.get("error") or "no reason given")
