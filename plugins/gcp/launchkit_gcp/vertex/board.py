"""The live jobs of all runs of an agent, as one listing of them tells."""

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from launchkit.aio.topics import Subscription
from launchkit.runners.informer import JITTER, Informer
from launchkit_gcp.vertex.api import VertexApi
from launchkit_gcp.vertex.names import ATTEMPT, ITEM, RUN
from launchkit_gcp.vertex.view import ENDED, JobView

FILTER = " AND ".join([f"labels.{ITEM}:*", *(f'state!="{state}"' for state in ENDED)])
"""What is under way, of all agents: history may be long, and is of no interest."""

Settle = Callable[[Sequence[JobView]], Awaitable[None]]


def key_of(job: JobView) -> str:
    """Which attempt of which item, and which run, a job is of."""
    return "/".join(job.labels.get(key, "") for key in (ITEM, ATTEMPT, RUN))


def first_of(jobs: Sequence[JobView]) -> JobView | None:
    """The job that counts, of those of one attempt: the same whoever looks."""
    return min(jobs, key=lambda one: (one.created, one.name), default=None)


class Board:
    """Lists what is under way at Vertex AI, once in a while for all runs that somebody waits for.

    A run that is not in the list has ended, or was not listed yet: who waits looks by himself. A
    second job of one attempt, made by a request that came late, is given to *settle*.
    """

    def __init__(self, api: VertexApi, poll_seconds: float, settle: Settle) -> None:
        self._api = api
        self._settle = settle
        self.poll_seconds = poll_seconds
        self._watched: dict[str, int] = {}
        self._values: Mapping[str, JobView | None] = {}
        self.heard_at = time.monotonic()
        self._informer = Informer[str, JobView | None](
            list_all=self._list,
            trouble=api.trouble,
            relist=poll_seconds / (1 - JITTER),
        )

    async def run(self) -> None:
        """Do the work, until cancelled."""
        await self._informer.run()

    def age(self) -> float | None:
        """Seconds since the last listing; None: nobody is interested."""
        return time.monotonic() - self.heard_at if self._watched else None

    def seen(self, key: str) -> JobView | None:
        """What the last listing told of a run; None: it was not in it."""
        return self._values.get(key)

    def tell(self, key: str) -> None:
        """Wake those who wait for a run: it was just changed."""
        self._informer.news.notify(key)

    @contextmanager
    def watched(self, key: str) -> Iterator[Subscription]:
        """News of a run, for the time of the context."""
        self._watched[key] = self._watched.get(key, 0) + 1
        try:
            with self._informer.subscribed(key) as news:
                yield news
        finally:
            self._watched[key] -= 1
            if not self._watched[key]:
                del self._watched[key]

    async def _list(self) -> Mapping[str, JobView | None]:
        names = {*self._watched}
        found: dict[str, list[JobView]] = {}
        for job in await self._api.list(FILTER):
            if (key := key_of(job)) in names:
                found.setdefault(key, []).append(job)
        for jobs in found.values():
            if len(jobs) > 1:
                await self._settle(jobs)
        self._values = {name: first_of(found.get(name, ())) for name in names}
        self.heard_at = time.monotonic()
        return self._values
