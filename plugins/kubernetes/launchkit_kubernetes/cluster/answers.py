"""What the API server answers: read up to a bound, and decoded."""

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

import aiohttp
import anyio
from anyio.to_thread import run_sync

from launchkit.aio.retry import retry_after_of
from launchkit.plain_text import shortened, without_last_word
from launchkit_kubernetes.cluster.errors import (
    AnswerTooLong,
    ClusterAway,
    ClusterError,
    refusal,
)
from launchkit_kubernetes.status.shape import mapping, text

T = TypeVar("T")

FOREIGN = "something else answers in the place of the API server"
MAX_ANSWER = 16 << 20
"""Bytes of one answer: to decode them holds everything else up. One object has at most 9 MiB, for
etcd takes 1.5, and a letter such as `<` has six bytes in JSON. Of a list that is longer, smaller
pages are asked for."""
MAX_ERROR = 1 << 16
DEEPEST = 100
"""Levels of lists and mappings in each other. Nothing that is looked for stands deeper, and Python
reads some hundred."""
_MARKS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.DOTALL)
"""Texts, in which brackets are none, and brackets."""


async def heard(awaited: Awaitable[T], seconds: float) -> T:
    """What the client's library waits for. Its own limits of time go with a connection that it
    closes.

    :raises TimeoutError: if it does not come in time.
    :raises ClusterAway: if everything was closed.
    """
    try:
        with anyio.move_on_after(seconds):
            return await awaited
    except RuntimeError as exc:
        raise ClusterAway(f"what leads to the API server was closed: {exc}") from exc
    raise TimeoutError(f"it was silent for {seconds:g} s")


async def pieces(response: aiohttp.ClientResponse, seconds: float) -> AsyncGenerator[bytes, None]:
    """What it says, as it comes. :raises TimeoutError: after a silence of so many *seconds*."""
    while piece := await heard(response.content.readany(), seconds):
        yield piece


async def whole(answer: AsyncIterator[bytes]) -> bytes:
    """All of an answer. :raises AnswerTooLong: if that is more than `MAX_ANSWER`."""
    data = await _up_to(MAX_ANSWER, answer)
    if len(data) > MAX_ANSWER:
        raise AnswerTooLong(f"an answer of the API server has more than {MAX_ANSWER} bytes")
    return data


async def failure(response: aiohttp.ClientResponse, answer: AsyncIterator[bytes]) -> ClusterError:
    """The error that an answer tells of."""
    if response.status < HTTPStatus.BAD_REQUEST:
        return refusal(
            response.status,
            f"it leads elsewhere (HTTP status {response.status}), where nothing is sent: is the"
            " address of the cluster that of an API server?",
        )
    beginning = await _beginning(answer)
    try:
        said = json.loads(beginning)
    except (ValueError, RecursionError):
        said = beginning
    said = said if isinstance(said, dict) else shortened(beginning)
    wait = retry_after_of(response.headers.get("Retry-After"))
    if isinstance(said, dict):
        said = {**said, "message": shortened(str(said.get("message") or ""))}
    refused = refusal(response.status, said)
    passing = response.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if passing or response.status == HTTPStatus.TOO_MANY_REQUESTS:
        return ClusterAway(refused.message, retry_after=wait, status=response.status)
    return refused


async def decoded(data: bytes) -> Any:
    """The JSON of an answer, or of a line of a watch, with null for what is nested too deep.

    :raises ClusterAway: if it is none: it may be broken off.
    """
    try:
        try:
            return json.loads(data)
        except RecursionError:
            return json.loads(await run_sync(_without_depths, data))
    except ValueError as exc:
        raise ClusterAway(f"the API server tells what is no JSON: {exc}") from exc


def require_object(told: Mapping[str, Any], name: str) -> None:
    """:raises ClusterAway: if that is no object of this name."""
    has_uid = bool(text(mapping(told.get("metadata")).get("uid")))
    if not text(told.get("kind")) or name_of(told) != name or not has_uid:
        raise ClusterAway(f"{FOREIGN}: it tells of no object, or of another one")


def listed_in(page: Mapping[str, Any]) -> tuple[list[Any], str, str]:
    """The objects of a page of a list, the version that it shows, and where it goes on.

    :raises ClusterAway: if that is none.
    """
    objects, about = page.get("items"), mapping(page.get("metadata"))
    if not text(page.get("kind")).endswith("List") or not isinstance(objects, list | None):
        raise ClusterAway(f"{FOREIGN}: it tells of no list")
    version, go_on = about.get("resourceVersion"), about.get("continue")
    return objects or [], str(version or ""), str(go_on or "")


def name_of(told: object) -> str:
    """The name of an object; empty if it has none."""
    return text(mapping(mapping(told).get("metadata")).get("name"))


def _without_depths(data: bytes) -> bytes:
    """The same JSON with null for what is nested deeper than `DEEPEST`; takes linear time."""
    kept: list[bytes] = []
    depth = since = 0
    for mark in _MARKS.finditer(data):
        first = data[mark.start()]
        if first in b"[{":
            depth += 1
            if depth == DEEPEST + 1:
                kept += data[since : mark.start()], b"null"
                since = len(data)
        elif first in b"]}":
            if depth == DEEPEST + 1:
                since = mark.end()
            depth -= 1
    return b"".join((*kept, data[since:]))


async def _beginning(answer: AsyncIterator[bytes]) -> str:
    data = await _up_to(MAX_ERROR, answer)
    if len(data) > MAX_ERROR:
        data = without_last_word(data[:MAX_ERROR]) + "…".encode()
    return data.decode(errors="replace")


async def _up_to(most: int, answer: AsyncIterator[bytes]) -> bytes:
    """What it says, and no more once that is more than *most* bytes."""
    data = bytearray()
    async for piece in answer:
        data += piece
        if len(data) > most:
            break
    return bytes(data)
