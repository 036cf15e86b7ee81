"""One reader of Cloud Logging for the logs of all jobs: a project has some 60 reads a minute."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio

from launchkit.aio.retry import Backoff
from launchkit.aio.topics import Subscription
from launchkit.runners.pace import Pace
from launchkit_gcp.environment import GcpEnvironment
from launchkit_gcp.errors import GcpAway, GcpError
from launchkit_gcp.vertex.log_entries import (
    LONGEST_FILTER,
    SECOND,
    Entry,
    entries_of,
    filter_of,
)

PAGE = 1000
AT_ONCE_PAGES = 8
"""So many pages are read before the next one's turn: a log may be larger than the memory."""
NEAR = 120 * SECOND
"""Who wants what is so much older than what others want is read for alone."""
AT_ONCE = LONGEST_FILTER // 30
"""So many jobs in one query: the numbers of jobs have at most 19 digits."""
ONCE = Backoff(deadline=0.0)
BURST = 5.0


@dataclass(frozen=True)
class Part:
    """What was read for one job: its entries from a time on, in order."""

    entries: Sequence[Entry]
    until: int | None
    """Entries of this time, and later ones, are still to be read; None: there were no more."""


@dataclass(eq=False)
class _Want:
    job: str
    since: int
    done: anyio.Event = field(default_factory=anyio.Event)
    part: Part | None = None
    failure: GcpError | None = None


class LogReader:
    """Reads for all who want something at one time with one query."""

    def __init__(self, environment: GcpEnvironment, rate: float) -> None:
        self._environment = environment
        self._pace = Pace(rate, BURST)
        self._wants: list[_Want] = []
        self._asked = Subscription()
        self._is_far = False
        self._page_size = PAGE
        """Fewer after an answer that did not come whole: lines may be long."""

    async def run(self) -> None:
        """Do the work, until cancelled."""
        while True:
            while not self._wants:
                await self._asked.wait()
            await self._pace.turn()
            if wants := self._next():
                await self._read(wants)

    async def read(self, job: str, since: int) -> Part:
        """The entries of a job from a time on, as far as they come at once.

        :raises GcpError: if Cloud Logging does not give them.
        """
        want = _Want(job, since)
        self._wants.append(want)
        self._asked.notify()
        try:
            await want.done.wait()
        finally:
            if want in self._wants:
                self._wants.remove(want)
        if want.failure is not None:
            raise want.failure
        assert want.part is not None  # noqa: S101 - it is done, and has not failed
        return want.part

    def _next(self) -> Sequence[_Want]:
        """Those who are read for now: all who want what is new, or in turn one who does not."""
        newest = max((one.since for one in self._wants), default=0)
        near = [one for one in self._wants if newest - one.since <= NEAR]
        far = [one for one in self._wants if newest - one.since > NEAR]
        self._is_far = bool(far) and not self._is_far
        return far[:1] if self._is_far else near[:AT_ONCE]

    async def _read(self, wants: Sequence[_Want]) -> None:
        for want in wants:
            self._wants.remove(want)
        since = min(want.since for want in wants)
        try:
            entries, until = await self._pages([*{want.job for want in wants}], since)
        except GcpError as exc:
            if isinstance(exc, GcpAway) and exc.throttled:
                self._pace.refused()
            else:
                self._page_size = max(1, self._page_size // 2)
            for want in wants:
                want.failure = exc
                want.done.set()
            return
        self._pace.went_well()
        self._page_size = min(PAGE, self._page_size * 2)
        found: dict[str, list[Entry]] = {}
        for entry in entries:
            found.setdefault(entry.job, []).append(entry)
        for want in wants:
            theirs = [one for one in found.get(want.job, ()) if one.mark[0] >= want.since]
            want.part = Part(theirs, until)
            want.done.set()

    async def _pages(self, jobs: Sequence[str], since: int) -> tuple[Sequence[Entry], int | None]:
        """The entries that come at once, and the time from which on there are more."""
        found: list[Entry] = []
        token: str | None = None
        number = 0
        while True:
            answer = await self._page(filter_of(jobs, since), token)
            found += entries_of(answer)
            token = answer.get("nextPageToken") or None
            number += 1
            if token is None:
                return sorted(found), None
            first, last = (found[0].mark[0], found[-1].mark[0]) if found else (0, 0)
            if number >= AT_ONCE_PAGES and first < last:
                return sorted(one for one in found if one.mark[0] < last), last

    async def _page(self, wanted: str, token: str | None) -> Mapping[str, Any]:
        api, what = await self._environment.api(), "Cloud Logging: entries"
        body: dict[str, Any] = {
            "resourceNames": [f"projects/{self._environment.project}"],
            "filter": wanted,
            "orderBy": "timestamp asc",
            "pageSize": self._page_size,
        }
        if token:
            await self._pace.turn()
            body["pageToken"] = token
        url = api.place.url("logging") + "/v2/entries:list"
        return (await api.send(what, "POST", url, json=body, backoff=ONCE)).json(what)
