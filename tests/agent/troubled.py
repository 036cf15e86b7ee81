"""A runner plugin whose real runs cannot always be looked at."""

from collections import defaultdict
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import ClassVar

from launchkit.abc import Run, Runner
from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.hookspecs import hookimpl
from launchkit.model import LogChunk, RunStatus, Submission

faults: defaultdict[str, list[Exception]] = defaultdict(list)
"""What the next calls of a method raise, each once."""


def suffer(call: str) -> None:
    if faults[call]:
        raise faults[call].pop(0)


@dataclass(kw_only=True)
class TroubledRunner(LocalProcessRunner):
    """Runs real processes."""

    kind: ClassVar[str] = "troubled"

    async def submit(self, submission: Submission) -> Run:
        suffer("submit")
        run = TroubledRun(await super().submit(submission))
        suffer("submitted")
        return run

    async def attach(self, ref: str) -> Run:
        suffer("attach")
        return TroubledRun(await super().attach(ref))


class TroubledRun(Run):
    """A real run."""

    def __init__(self, run: Run) -> None:
        self.ref = run.ref
        self._run = run

    async def status(self) -> RunStatus:
        suffer("status")
        return await self._run.status()

    async def changed(self, last: RunStatus) -> RunStatus:
        suffer("changed")
        return await self._run.changed(last)

    async def cancel(self, grace: float) -> None:
        suffer("cancel")
        await self._run.cancel(grace)

    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        suffer("logs")
        async for chunk in self._run.logs(offset):
            yield chunk
            suffer("logged")

    async def aclose(self) -> None:
        suffer("aclose")
        await self._run.aclose()


@hookimpl
def launchkit_runners() -> list[type[Runner]]:
    return [TroubledRunner]
