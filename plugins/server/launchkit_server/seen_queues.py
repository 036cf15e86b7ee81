"""Queues that were looked through for secrets."""

from dataclasses import dataclass, field
from functools import partial

from launchkit.abc import Finding
from launchkit.long_work import LongWork
from launchkit.model import Queue, QueueSpec
from launchkit.resolving.known_secrets import without_secrets
from launchkit.resolving.nested import is_long
from launchkit.resolving.written_secrets import secrets_warning

MOST_KEPT = 32


@dataclass(frozen=True)
class SeenQueue:
    """What is known of the secrets in a queue."""

    shown: QueueSpec
    """It as those who are not its operators see it."""
    warning: Finding | None
    """Of secrets in its config."""


@dataclass
class SeenQueues:
    """Each queue is looked through once as it stands, as that takes long, and beside all that is
    answered; the last are kept. Ids and versions of a restored database come again with others.
    """

    work: LongWork
    _kept: dict[int, tuple[QueueSpec, SeenQueue]] = field(default_factory=dict)

    async def of(self, queue: Queue) -> SeenQueue:
        """What is known of a queue."""
        seen = self._known(queue)
        if seen is None:
            values = queue.spec.config, queue.spec.variables
            seen = await self.work.run(
                queue.entity, partial(self._look, queue), is_long=is_long(values)
            )
        return seen

    def _known(self, queue: Queue) -> SeenQueue | None:
        spec, seen = self._kept.get(queue.id, (None, None))
        return seen if spec == queue.spec else None

    def _look(self, queue: Queue) -> SeenQueue:
        seen = self._known(queue)  # by one who asked for the same before
        if seen is None:
            seen = SeenQueue(without_secrets(queue.spec), secrets_warning(queue.spec))
            self._kept[queue.id] = queue.spec, seen
            for oldest in [*self._kept][:-MOST_KEPT]:
                self._kept.pop(oldest, None)
        return seen
