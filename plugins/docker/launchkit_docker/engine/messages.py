"""Long calls of the Engine that answer with a stream of JSON messages: build, push."""

import json
from collections.abc import Callable, Mapping
from contextlib import aclosing
from typing import Any

from aiohttp import ClientResponse

from launchkit.abc import Output
from launchkit.aio.lines import line_batches

MESSAGE_BYTES = 1 << 24
"""One of a build has all that a step prints at once."""
Take = Callable[[Mapping[str, Any]], bytes]
"""Turns a message into what is shown of it."""


async def follow(response: ClientResponse, take: Take, out: Output) -> None:
    """Give each message to *take* and what it shows to *out*, as much at once as has come.

    :raises ValueError: if one is none, or longer than `MESSAGE_BYTES`.
    :raises RecursionError: if one is nested too deep.
    """
    batches = line_batches(response.content.iter_any(), longest=MESSAGE_BYTES)
    async with aclosing(batches) as messages:
        async for lines in messages:
            shown = bytearray()
            try:
                for line in lines:
                    if line.strip():
                        shown += take(_message(line))
            finally:
                if shown:
                    await out(bytes(shown))


def _message(line: bytes) -> Mapping[str, Any]:
    found = json.loads(line)
    if not isinstance(found, dict):
        raise ValueError("a message is no object")  # noqa: TRY004 - as json does
    return found


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
        line = f"{layer}: {state}\n" if layer else f"{state}\n"
        return line.encode(errors="replace")


def failure_in(message: Mapping[str, Any]) -> str | None:
    """Why the call failed, if the message says that it did."""
    if "error" not in message and "errorDetail" not in message:
        return None
    detail = message.get("errorDetail")
    said = detail.get("message") if isinstance(detail, Mapping) else None
    return str(said or message.get("error") or "no reason given")
