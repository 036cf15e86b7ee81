"""Topics: how one who waits is told that something has happened, without asking again and again."""

import math
from collections import defaultdict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

import anyio

K = TypeVar("K", bound=Hashable)


class Subscription:
    """Hears of its topics. News before `wait` are not lost: `wait` then returns at once."""

    def __init__(self) -> None:
        self._event = anyio.Event()

    def notify(self) -> None:
        """Wake the one who waits."""
        self._event.set()

    async def wait(self, seconds: float = math.inf) -> bool:
        """Wait for news since the last wait, at most *seconds*; tell whether there were any."""
        with anyio.move_on_after(seconds):
            await self._event.wait()
        news = self._event.is_set()
        self._event = anyio.Event()
        return news


class Topics(Generic[K]):
    """Who waits for what. A topic is kept for as long as somebody subscribes to it.

    Subscribe before you look, and wait after: then nothing is missed between the two.
    """

    def __init__(self) -> None:
        self._by_topic: defaultdict[K, set[Subscription]] = defaultdict(set)
        self._to_all: set[Subscription] = set()

    def __bool__(self) -> bool:
        """Whether anybody subscribes."""
        return bool(self._by_topic or self._to_all)

    def __contains__(self, topic: K) -> bool:
        """Whether anybody subscribes to a topic."""
        return bool(self._to_all) or topic in self._by_topic

    @contextmanager
    def subscribed(self, *topics: K) -> Iterator[Subscription]:
        """A subscription to *topics*, for the time of the context."""
        subscription = Subscription()
        with self.heard(subscription, *topics):
            yield subscription

    @contextmanager
    def heard(self, subscription: Subscription, *topics: K) -> Iterator[None]:
        """Let *subscription* hear of *topics*, too, for the time of the context."""
        for topic in topics:
            self._by_topic[topic].add(subscription)
        try:
            yield
        finally:
            for topic in topics:
                self._by_topic[topic].discard(subscription)
                if not self._by_topic[topic]:
                    del self._by_topic[topic]

    @contextmanager
    def subscribed_to_all(self) -> Iterator[Subscription]:
        """A subscription to whatever happens, for the time of the context."""
        subscription = Subscription()
        self._to_all.add(subscription)
        try:
            yield subscription
        finally:
            self._to_all.discard(subscription)

    def notify(self, *topics: K) -> None:
        """Something has happened to *topics*."""
        for topic in {*topics} & self._by_topic.keys():
            for subscription in self._by_topic[topic]:
                subscription.notify()
        for subscription in self._to_all:
            subscription.notify()

    def notify_all(self) -> None:
        """Something may have happened to any topic."""
        self.notify(*self._by_topic)
