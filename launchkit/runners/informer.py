"""One task that watches all runs of one place, however many wait for them."""

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

import anyio

from launchkit.aio.retry import Backoff, jittered, pauses, retry
from launchkit.aio.token_bucket import TokenBucket
from launchkit.aio.topics import Subscription, Topics
from launchkit.aio.trouble import Trouble

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

RELIST_SECONDS = 60.0
JITTER = 0.2
BACKOFF = Backoff(first=0.5, cap=30.0)

Watch: TypeAlias = Callable[[], AbstractAsyncContextManager[AsyncIterator[tuple[K, V | None]]]]
"""Entered when the place tells of changes from now on. Then each change: a key with its new value,
or with None where it is gone or has changed in a way that only a list can tell."""


@dataclass(kw_only=True, eq=False)
class Informer(Generic[K, V]):
    """Knows the runs of a place by `list_all`, and sooner by `watch`, if there is one.

    That something is gone is believed only from a list that began after the question was asked: a
    run that was just submitted is not judged by an older one. All who ask meanwhile share that
    list. Trouble in listing is tried again for ever, and those who ask wait; trouble in watching
    is made good by a list. Values are frozen, and equal where nothing has changed.

    While nobody is interested, nothing is listed or kept.
    """

    list_all: Callable[[], Awaitable[Mapping[K, V]]]
    """All runs, by key. Whatever it raises is tried again."""
    trouble: Trouble
    """Told of each failure; may be shared with others who call the same place."""
    watch: Watch[K, V] | None = None
    """May end, or raise, at any time: it is opened again."""
    merged: bool = False
    """Whether a list has what the watch has told while it was read. Else what was told is taken to
    be newer than the list.
    """
    limiter: TokenBucket | None = None
    """Gives one token for each list, and for each time the watch is opened."""
    relist: float = RELIST_SECONDS
    """Seconds after which all is listed again, so that no run hangs on a change that was missed.
    Without a watch this is the time between two looks."""
    backoff: Backoff = BACKOFF
    news: Topics[K] = field(default_factory=Topics)
    """Who waits for what. Others may notify, too, of what no list shows."""
    _values: dict[K, V] = field(init=False, default_factory=dict)
    _told: dict[K, V] = field(init=False, default_factory=dict)
    """What the watch has told since the list began that is under way: it is newer."""
    _begun: int = field(init=False, default=0)
    """How many lists have begun."""
    _done: int = field(init=False, default=0)
    """The number of the last list that ended well."""
    _needed: int = field(init=False, default=0)
    """The number of the first list that will do for all who have asked."""
    _asked: Subscription = field(init=False, default_factory=Subscription)
    _listed: anyio.Event = field(init=False, default_factory=anyio.Event)
    _active: anyio.Event = field(init=False, default_factory=anyio.Event)
    """Set while somebody is interested."""
    _used: bool = field(init=False, default=False)
    """Somebody has asked since the last list began."""
    _deaf: bool = field(init=False, default=False)
    """The watch has failed, and has told of nothing since."""

    async def get(self, key: K, *, fresh: bool = False) -> V | None:
        """The value as it is known now, or, if it is *fresh*, as a list has it that begins now.
        None: it is gone, or was never there.
        """
        return await self._look(key, self._begun + 1, fresh=fresh)

    async def changed(self, key: K, last: V | None) -> V | None:
        """Wait for another value than *last*; None: it is gone."""
        enough = self._begun + 1
        with self.news.subscribed(key) as news:
            while (now := await self._look(key, enough)) == last:
                await news.wait()
            return now

    def learn(self, key: K, value: V) -> None:
        """Take note of what was just made, before a list or the watch tells of it; what these have
        told already is newer.
        """
        if key not in self._values:
            self._told.setdefault(key, value)
            self._values[key] = value
            self.news.notify(key)

    @property
    def active(self) -> bool:
        """Whether somebody is interested."""
        return self._active.is_set()

    @contextmanager
    def subscribed(self, key: K) -> Iterator[Subscription]:
        """News of a key, for the time of the context: for one who looks for itself, where a look at
        one run is cheap and tells more than the list. Subscribe before the look.
        """
        if not self._active.is_set():
            self._ask(self._begun + 1)
        with self.news.subscribed(key) as news:
            yield news

    async def run(self) -> None:
        """Do the work, until cancelled. To be started once, in `Site.tasks`."""
        async with anyio.create_task_group() as tasks:
            if self.watch is not None:
                tasks.start_soon(self._watching, self.watch)
            while True:
                await self._due()
                await retry(self._list, on=Exception, backoff=self.backoff, trouble=self.trouble)

    async def _look(self, key: K, enough: int, *, fresh: bool = False) -> V | None:
        """The value; that there is none is believed from the list number *enough*."""
        self._used = True
        if not self._active.is_set():  # what is known was learned, and is not watched yet
            self._ask(enough)
        while self._done < enough and (fresh or key not in self._values):
            self._ask(enough)
            await self._listed.wait()
        return self._values.get(key)

    def _ask(self, number: int) -> None:
        self._needed = max(self._needed, number)
        self._active.set()
        self._asked.notify()

    async def _due(self) -> None:
        """Return when somebody needs a list, or those who are interested should have one."""
        pause = jittered(self.relist, JITTER)
        while self._needed <= self._done:
            if await self._asked.wait(pause):
                continue
            if self._used or self.news:
                return
            self._values.clear()
            if self._active.is_set():  # else the watch waits for this one
                self._active = anyio.Event()
            pause = math.inf

    async def _list(self) -> None:
        if self.limiter is not None:
            await self.limiter.take()
        self._begun += 1
        self._used = False
        self._told.clear()
        found = {**await self.list_all()}
        if not self.merged:
            found |= self._told
        before, self._values = self._values, found
        self._done = self._begun
        for key in before.keys() | found.keys():
            if before.get(key) != found.get(key):
                self.news.notify(key)
        self._listed.set()
        self._listed = anyio.Event()

    async def _watching(self, watch: Watch[K, V]) -> None:
        steps = pauses(self.backoff)
        while True:
            await self._active.wait()
            began = anyio.current_time()
            try:
                await self._follow(watch)
            except Exception as exc:  # noqa: BLE001 - foreign code; a list makes it good
                self.trouble.tell(exc)
                self._deaf = True
            if self._active.is_set():
                self._ask(self._begun + 1)
            if anyio.current_time() - began > self.backoff.cap:
                steps = pauses(self.backoff)
            await anyio.sleep(next(steps))

    async def _follow(self, watch: Watch[K, V]) -> None:
        if self.limiter is not None:
            await self.limiter.take()
        async with watch() as changes:
            self._ask(self._begun + 1)
            async for key, value in changes:
                if self._deaf:
                    self._deaf = False
                    self.trouble.over()
                if self._active.is_set():
                    self._hear(key, value)

    def _hear(self, key: K, value: V | None) -> None:
        if value is None:
            if key in self.news or self._begun > self._done:  # a list under way may be older
                self._ask(self._begun + 1)
            else:
                self._values.pop(key, None)  # who asks for it later is told by a list
            return
        self._told[key] = value
        if self._values.get(key) != value:
            self._values[key] = value
            self.news.notify(key)
