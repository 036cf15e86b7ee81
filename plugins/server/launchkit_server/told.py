"""Of what agents that wait were told: when many wait and one launch comes, one comes for it."""

from collections import Counter, deque
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import anyio

TOLD_SECONDS = 0.25
"""How long an agent may take to claim that of which it was told, before others are told, too."""


@dataclass
class Told:
    """How much of each queue agents were told of, and have not claimed yet. It is a matter of pace
    alone: what is lost here, in a crash or between replicas, is told again.
    """

    _until: dict[tuple[str, str], deque[float]] = field(default_factory=dict)
    _given: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How much of each queue was claimed here, ever."""

    @contextmanager
    def telling(self, entity: str, queues: Collection[str]) -> Iterator["Telling"]:
        """Look out for one agent; all who do at the same time look for the next of what waits."""
        before = {queue: self._count((entity, queue)) for queue in queues}
        for queue in queues:
            until = anyio.current_time() + TOLD_SECONDS
            self._until.setdefault((entity, queue), deque()).append(until)
        now = Telling(before, {queue: self._given[entity, queue] for queue in queues})
        try:
            yield now
        finally:
            for queue in {*queues} - {*now.worth}:
                self._take((entity, queue), last=True)

    def claimed(self, entity: str, queue: str, *, given: bool) -> None:
        """One who was told has come, or somebody else, and was *given* something or not."""
        self._take((entity, queue), last=False)
        self._given[entity, queue] += given

    def settled(self, entity: str, telling: "Telling") -> bool:
        """Whether all that others had been told of by a look is claimed by now, so that another
        look would find no more of it.
        """
        return all(
            self._given[entity, queue] - telling.given[queue] >= told
            for queue, told in telling.before.items()
        )

    def _count(self, key: tuple[str, str]) -> int:
        waiting = self._until.get(key)
        while waiting and waiting[0] <= anyio.current_time():
            self._take(key, last=False)
        return len(waiting or ())

    def _take(self, key: tuple[str, str], *, last: bool) -> None:
        waiting = self._until.get(key)
        if waiting:
            waiting.pop() if last else waiting.popleft()
        if not waiting:
            self._until.pop(key, None)


@dataclass
class Telling:
    """What one agent is told."""

    before: Mapping[str, int]
    """Of how much of each queue others were told."""
    given: Mapping[str, int]
    """How much of each queue had been claimed by then."""
    worth: Collection[str] = ()
    """The queues of which it is told."""
