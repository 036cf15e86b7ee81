"""The training jobs of all runs of an agent, as one listing of them tells."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from launchkit.aio.topics import Subscription
from launchkit.runners.informer import JITTER, Informer
from launchkit_aws.errors import AwsRefused
from launchkit_aws.sagemaker.api import Api, log
from launchkit_aws.sagemaker.jobs import listed

LIVE = ("InProgress", "Stopping")
EARLIER = timedelta(minutes=5)
"""So much older than the oldest job a listing begins: clocks differ."""


@dataclass(frozen=True)
class Listed:
    """What a listing tells of a job."""

    status: str = ""
    """Empty: it is not among those that are under way."""
    secondary: str = ""
    modified: datetime | None = None


def as_listed(told: Mapping[str, Any]) -> Listed:
    """What a listing tells of a job that is described, or listed, so."""
    status = told.get("TrainingJobStatus") or ""
    if status not in LIVE:
        return Listed()
    return Listed(status, told.get("SecondaryStatus") or "", told.get("LastModifiedTime"))


@dataclass
class _Watched:
    created: datetime | None
    times: int = 0


class Board:
    """Lists what is under way at SageMaker, once in a while for all runs that somebody waits for.

    A run that is not in the list has ended, or was not listed: it is described then. The others
    are described when what the list tells of them changes.
    """

    def __init__(self, api: Api, poll_seconds: float) -> None:
        self._api = api
        self.poll_seconds = poll_seconds
        self._watched: dict[str, _Watched] = {}
        self._values: Mapping[str, Listed] = {}
        self.heard_at = time.monotonic()
        self.is_blind = False
        """Whether the agent may not list, so that each run has to be described again and again."""
        self._informer = Informer[str, Listed](
            list_all=self._listed_or_blind,
            trouble=api.trouble,
            relist=poll_seconds / (1 - JITTER),
        )

    async def run(self) -> None:
        """Do the work, until cancelled."""
        await self._informer.run()

    def age(self) -> float | None:
        """Seconds since the last listing; None: nobody is interested."""
        return time.monotonic() - self.heard_at if self._watched else None

    def seen(self, name: str) -> Listed | None:
        """What the last listing told of a job; None: nothing yet."""
        return self._values.get(name)

    def tell(self, name: str) -> None:
        """Wake those who wait for a job: it was just changed."""
        self._informer.news.notify(name)

    @contextmanager
    def watched(self, name: str, created: datetime | None) -> Iterator[Subscription]:
        """News of a job, for the time of the context."""
        one = self._watched.setdefault(name, _Watched(created))
        one.times += 1
        one.created = one.created or created
        try:
            with self._informer.subscribed(name) as news:
                yield news
        finally:
            one.times -= 1
            if not one.times:
                del self._watched[name]

    async def _listed_or_blind(self) -> Mapping[str, Listed]:
        try:
            self._values = await self._list()
        except AwsRefused as exc:
            if not exc.denied:
                raise
            if not self.is_blind:
                log.warning("%s; each run is described every %g s instead", exc, self.poll_seconds)
                self.is_blind = True
                self._informer.news.notify_all()  # so that those who wait look by themselves
        else:
            self.is_blind = False
        self.heard_at = time.monotonic()
        return self._values

    async def _list(self) -> Mapping[str, Listed]:
        names = {*self._watched}
        created = [one.created for one in self._watched.values()]
        known = [one for one in created if one is not None]
        since = min(known) - EARLIER if len(known) == len(created) and known else None
        found: dict[str, Listed] = {}
        for status in LIVE:
            missing = names - {*found}
            if not missing:
                break
            for name, one in (await listed(self._api, status, since, missing)).items():
                found[name] = as_listed(one)
        return {name: found.get(name, Listed()) for name in names}
