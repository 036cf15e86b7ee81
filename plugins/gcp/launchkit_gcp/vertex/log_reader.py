"""One reader of Cloud Logging for the logs of all jobs: a project has some 60 reads a minute."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
    Mark,
    entries_of,
    filter_of,
)

PAGE = 1000
AT_ONCE_PAGES = 8
"""So many pages are read before the next one's turn: a log may be larger than the memory, and
Cloud Logging gives pages without an entry as long as it searches.
"""
AT_ONCE_LETTERS = 8 << 20
"""No more pages once so much was printed in those that are read."""
NEAR = 120 * SECOND
"""Who wants what is so much older than what others want is read for alone."""
AT_ONCE = LONGEST_FILTER // 30
"""So many jobs in one query: the numbers of jobs have at most 19 digits."""
ONCE = Backoff(deadline=0.0)
BURST = 5.0


@dataclass(frozen=True)
class Page:
    """A page of a query, as it is asked for."""

    size: int
    token: str | None = None
    """None: it is the first one."""


@dataclass(frozen=True)
class Part:
    """What was read for one job: its entries behind a mark, in order."""

    entries: Sequence[Entry]
    until: Mark | None
    """Entries behind this one are still to be read; None: there were no more."""
    alone: bool
    """Whether there is so much of the job, or so much is searched for it, that others would wait
    for theirs behind it."""
    page: Page | None = None
    """Where a search of the job alone goes on that has found nothing yet."""


@dataclass(eq=False)
class _Want:
    job: str
    since: Mark
    alone: bool
    page: Page | None
    done: anyio.Event = field(default_factory=anyio.Event)
    part: Part | None = None
    failure: GcpError | None = None


class LogReader:
    """Reads for all who want something at one time with one query. Those of whom there is much, or
    who want what is old, are read alone, in turn with the others.
    """

    def __init__(self, environment: GcpEnvironment, rate: float) -> None:
        self._environment = environment
        self._pace = Pace(rate, BURST)
        self._wants: list[_Want] = []
        self._asked = Subscription()
        self._was_alone = False
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

    async def read(self, job: str, since: Mark, *, alone: bool, page: Page | None = None) -> Part:
        """The entries of a job behind a mark, as far as they come at once; *alone* and *page* are
        as the part before says.

        :raises GcpError: if Cloud Logging does not give them.
        """
        want = _Want(job, since, alone, page)
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
        together = [one for one in self._wants if not one.alone]
        newest = max((one.since[0] for one in together), default=0)
        near = [one for one in together if newest - one.since[0] <= NEAR]
        others = [one for one in self._wants if one.alone or newest - one.since[0] > NEAR]
        self._was_alone = bool(others) and not (self._was_alone and near)
        return others[:1] if self._was_alone else near[:AT_ONCE]

    async def _read(self, wants: Sequence[_Want]) -> None:
        for want in wants:
            self._wants.remove(want)
        since, page = min(want.since for want in wants), Page(self._page_size)
        if not wants[0].alone:  # whoever writes an entry may choose its id: no others ask for that
            since = (since[0], "")
        try:
            found = await self._pages([*{want.job for want in wants}], since, wants[0].page or page)
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
        by_job: dict[str, list[Entry]] = {}
        for entry in found.entries:
            by_job.setdefault(entry.job, []).append(entry)
        for want in wants:
            theirs = by_job.get(want.job, [])
            is_much = len(theirs) * len(wants) >= len(found.entries)
            want.part = found.part_of(want, theirs, is_much=is_much)
            want.done.set()

    async def _pages(self, jobs: Sequence[str], since: Mark, page: Page) -> "_Found":
        """What comes at once, from a page of a query on."""
        entries: list[Entry] = []
        wanted, letters, is_slow = filter_of(jobs, since), 0, page.token is not None
        for number in range(AT_ONCE_PAGES):
            if number:
                await self._pace.turn()
            answer = await self._page(wanted, page)
            new = entries_of(answer)
            entries += new
            letters += sum(len(one.text) for one in new)
            page = replace(page, token=answer.get("nextPageToken") or None)
            if page.token is None:
                return _Found(sorted(entries), None, is_slow)
            is_slow = is_slow or not new
            if letters >= AT_ONCE_LETTERS:
                break
        return _Found(*_cut(entries, since), is_slow) if entries else _Found((), since, True, page)

    async def _page(self, wanted: str, page: Page) -> Mapping[str, Any]:
        api, what = await self._environment.api(), "Cloud Logging: entries"
        body: dict[str, Any] = {
            "resourceNames": [f"projects/{self._environment.project}"],
            "filter": wanted,
            "orderBy": "timestamp asc",
            "pageSize": page.size,
        }
        if page.token:
            body["pageToken"] = page.token
        url = api.place.url("logging") + "/v2/entries:list"
        return (await api.send(what, "POST", url, json=body, backoff=ONCE)).json(what)


@dataclass(frozen=True)
class _Found:
    """What a query has given at once."""

    entries: Sequence[Entry]
    until: Mark | None
    """The mark behind which there is more; None: there is no more."""
    is_slow: bool
    """Whether there was a page without an entry, and not the last one."""
    page: Page | None = None
    """The next one, if none had an entry."""

    def part_of(self, want: _Want, theirs: Sequence[Entry], *, is_much: bool) -> Part:
        """What of it is for one who wants something: *theirs*, with as *much* as others have."""
        return Part(
            [one for one in theirs if one.mark > want.since],
            self.until if is_much or not self.until else (self.until[0], ""),
            is_much if self.until else (want.alone and self.is_slow),
            self.page if want.alone else None,
        )


def _cut(found: Sequence[Entry], since: Mark) -> tuple[Sequence[Entry], Mark]:
    """What is whole of entries that are followed by others, and the mark behind it."""
    last = found[-1].mark
    if found[0].mark[0] < last[0]:
        return sorted(one for one in found if one.mark[0] < last[0]), (last[0], "")
    # a program may print as much as it likes with one time: only then its entries are told apart
    # by their ids, and if those are not in their order, what is left of this time is passed over
    return sorted(found), last if last > since else (last[0] + 1, "")
