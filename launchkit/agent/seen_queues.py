"""The secrets of queues, which are masked in all that an agent tells of their launches."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from anyio.to_thread import run_sync

from launchkit.abc import Policy, Runner
from launchkit.model import Queue, QueueSpec
from launchkit.resolving.bind import agent_secrets
from launchkit.resolving.known_secrets import queue_secrets
from launchkit.resolving.masking import mask_of
from launchkit.resolving.resolve import queue_template

MOST_KEPT = 16


@dataclass(frozen=True)
class SeenQueues:
    """Each version of a queue is looked through once, as that takes long, and beside all that the
    agent does; the last are kept. Those of a restored database come again with others.
    """

    policy: Policy
    runners: Mapping[str, type[Runner]]
    """By the kinds of queues."""
    _kept: dict[tuple[int, int], tuple[QueueSpec, tuple[str, ...]]] = field(default_factory=dict)

    async def look(self, queue: Queue) -> None:
        """Look through the queue of a claim, before anything is told of it."""
        if self._found(queue) is None:
            await run_sync(self.known, queue)

    def secrets(self, queue: Queue) -> tuple[str, ...]:
        """The secrets of a queue."""
        found = self._found(queue)
        if found is None:
            found = queue_secrets(queue.spec)
            self._kept[queue.id, queue.version] = queue.spec, found
            for oldest in [*self._kept][:-MOST_KEPT]:
                self._kept.pop(oldest, None)
        return found

    def _found(self, queue: Queue) -> tuple[str, ...] | None:
        spec, found = self._kept.get((queue.id, queue.version), (None, None))
        return found if spec == queue.spec else None

    def known(self, queue: Queue) -> tuple[str, ...]:
        """These, and what its runs may have of the agent's environment, such that it can be masked
        at once.
        """
        found = (*self._of_agent(queue.spec), *self.secrets(queue))
        mask_of(*found)
        return found

    def _of_agent(self, spec: QueueSpec) -> tuple[str, ...]:
        runner = self.runners.get(spec.resource)
        keys = runner.args_env() if runner else ()
        return agent_secrets(self.policy, os.environ, queue_template(spec, runner), keys)
