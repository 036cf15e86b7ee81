"""A queue backend that is away when an agent wants to wait for news, and may refuse a word."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from launchkit.abc import QueueBackend, Site
from launchkit.errors import QueueError, Unreachable
from launchkit.hookspecs import hookimpl
from launchkit.model import Claim, ItemReport, ItemState
from launchkit.store.backend import StoreBackend

faults: list[Exception] = []
refusals: list[Exception] = []


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

    async def report(self, claim: Claim, report: ItemReport) -> None:
        if refusals and report.state is ItemState.RUNNING:
            raise refusals.pop()
        await super().report(claim, report)


def refuse(times: int = 1) -> None:
    """Refuse so often to hear that a launch runs."""
    refusals.extend(QueueError("that word is not known here") for _ in range(times))


def away(times: int) -> None:
    """Let so many waits fail."""
    faults.extend(Unreachable("the queue is away") for _ in range(times))


@hookimpl
def launchkit_queue_backends() -> Sequence[type[QueueBackend]]:
    return [ForgetfulBackend]
