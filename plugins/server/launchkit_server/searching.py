"""Searches logs of any length, a bounded part for each request."""

from collections.abc import Sequence
from dataclasses import dataclass

import anyio
import anyio.to_thread

from launchkit_server.logs import ServedLogs

SCANNED = 32 * 2**20
"""Bytes that are looked through for one request."""
SECONDS = 0.5
"""After so long, a request is answered with what was found by then."""
MOST = 200
"""Matches that are named in one answer."""


@dataclass(frozen=True)
class Match:
    """Where a text stands in a log."""

    offset: int
    length: int


@dataclass(frozen=True)
class Found:
    """What was found in a part of a log."""

    matches: Sequence[Match]
    next: int
    """From where to search on; the size, if all was looked through."""
    size: int


@dataclass(frozen=True)
class Wanted:
    """A text in the log of an attempt, in whatever case, from an offset on."""

    item_id: str
    attempt: int | None
    text: str
    offset: int


async def search(stored: ServedLogs, wanted: Wanted) -> Found:
    """Look through a part of a log.

    :raises NotFound: if there is no such launch.
    """
    text = wanted.text.encode().lower()
    shared = len(text) - 1  # of a text that stands across the end of a page
    at, matches = wanted.offset, list[Match]()
    until = anyio.current_time() + SECONDS
    while True:
        page = await stored.read(wanted.item_id, wanted.attempt, at)
        end = at + len(page.data)
        matches += await anyio.to_thread.run_sync(_matches, text, page.data, at)
        if len(matches) >= MOST:
            last = matches[:MOST][-1]
            return Found(matches[:MOST], last.offset + last.length, page.size)
        if end >= page.size or not page.data:
            return Found(matches, page.size, page.size)
        behind = matches[-1].offset + matches[-1].length if matches else 0
        at = max(at + 1, end - shared, behind)
        if at - wanted.offset >= SCANNED or anyio.current_time() >= until:
            return Found(matches, at, page.size)


def _matches(text: bytes, data: bytes, offset: int) -> list[Match]:
    """The first ones. A regular expression takes as long as the text times the data."""
    data, found, at = data.lower(), list[Match](), 0
    while len(found) < MOST and (at := data.find(text, at)) >= 0:
        found.append(Match(offset + at, len(text)))
        at += len(text)
    return found
