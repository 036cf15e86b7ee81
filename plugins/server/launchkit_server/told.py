"""Of what agents that wait were told: when many wait and one launch comes, one comes for it."""

from collections import deque
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

    @contextmanager
    def telling(self, entity: str, queues: Collection[str]) -> Iterator["Telling"]:
        """Look out for one agent; all who do at the same time look for the next of what waits."""
        before = {queue: self._count((entity, queue)) for queue in queues}
        for queue in queues:
            until = anyio.current_time() + TOLD_SECONDS
            self._until.setdefault((entity, queue), deque()).append(until)
        now = Telling(before)
        try:
            yield now
        finally:
            for queue in {*queues} - {*now.worth}:
                self._take((entity, queue), last=True)

    def claimed(self, entity: str, queue: str) -> None:
        """One who was told has come, or somebody else."""
        self._take((entity, queue), last=False)

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
    worth: Collection[str] = ()
    """The queues of which it is told."""
