"""Agents that wait for the same stand in line: the first of them looks for all, and the next one
when it goes. A launch wakes one of them, and not all.
"""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from launchkit.aio.topics import Subscription
from launchkit.store.claims import LookOut


@dataclass
class Line:
    """Those who wait for the same, each by its subscription."""

    waiting: dict[Subscription, None] = field(default_factory=dict)

    def leads(self, one: Subscription) -> bool:
        """Whether it is the first, who has to look for all when something happens."""
        return next(iter(self.waiting)) is one

    def wake_others(self, one: Subscription) -> None:
        """Let each look for itself: there may be something that *one* must not have."""
        for other in self.waiting:
            if other is not one:
                other.notify()


@dataclass
class Lines:
    """All lines of a service; one is kept for as long as somebody stands in it."""

    _lines: dict[Hashable, Line] = field(default_factory=dict)

    @contextmanager
    def joined(self, body: LookOut, one: Subscription) -> Iterator[Line]:
        """Stand in the line of those who look for the same, for the time of the context."""
        key = _sameness(body)
        line = self._lines.setdefault(key, Line())
        line.waiting[one] = None
        try:
            yield line
        finally:
            led = line.leads(one)
            del line.waiting[one]
            if not line.waiting:
                del self._lines[key]
            elif led:
                next(iter(line.waiting)).notify()


def _sameness(body: LookOut) -> Hashable:
    """What an outlook depends on, but for what is written of an agent or left at its site."""
    paused = frozenset(body.paused.items())
    return body.entity, frozenset(body.queues), body.capacity.resources, body.lease, paused
