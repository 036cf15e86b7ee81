"""A queue backend that cannot be reached when an agent wants to wait for news."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from launchkit.abc import QueueBackend, Site
from launchkit.errors import Unreachable
from launchkit.hookspecs import hookimpl
from launchkit.store.backend import StoreBackend

faults: list[Exception] = []


@dataclass(kw_only=True)
class ForgetfulBackend(StoreBackend):
    kind = "forgetful"
    aliases = ()

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        self.url = self.url.replace(self.kind, "sqlite")
        await super().start(stack, site)

    async def news(self, queue: str, wait: float) -> None:
        if faults:
            raise faults.pop()
        await super().news(queue, wait)


def away(times: int) -> None:
    """Let so many waits fail."""
    faults.extend(Unreachable("the queue is away") for _ in range(times))


@hookimpl
def launchkit_queue_backends() -> Sequence[type[QueueBackend]]:
    return [ForgetfulBackend]
