"""Bells: how one who waits is told that something was written, without asking again and again."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import anyio

EVERYTHING = "*"


class Bell:
    """Rings for its topics. A ring before `wait` is not lost: `wait` then returns at once."""

    def __init__(self) -> None:
        self._event = anyio.Event()

    def ring(self) -> None:
        """Wake the one who waits."""
        self._event.set()

    async def wait(self, seconds: float) -> bool:
        """Wait for a ring since the last wait, at most *seconds*; tell whether there was one."""
        with anyio.move_on_after(seconds):
            await self._event.wait()
        rung = self._event.is_set()
        self._event = anyio.Event()
        return rung


class Bells:
    """All bells of one open database in this process."""

    def __init__(self) -> None:
        self._by_topic: defaultdict[str, set[Bell]] = defaultdict(set)

    def __bool__(self) -> bool:
        return bool(self._by_topic)

    @contextmanager
    def hung(self, *topics: str) -> Iterator[Bell]:
        """A bell for *topics*. Hang it before looking, and wait after."""
        bell = Bell()
        for topic in topics:
            self._by_topic[topic].add(bell)
        try:
            yield bell
        finally:
            for topic in topics:
                self._by_topic[topic].discard(bell)
                if not self._by_topic[topic]:
                    del self._by_topic[topic]

    def ring(self, topics: Iterable[str]) -> None:
        """Ring the bells of *topics*; of every topic if one of them is `*`."""
        wanted = set(topics)
        if EVERYTHING in wanted:
            wanted = set(self._by_topic)
        for topic in wanted & self._by_topic.keys():
            for bell in self._by_topic[topic]:
                bell.ring()
