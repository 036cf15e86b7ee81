"""Runners that are right, but built differently."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import replace

import anyio

from launchkit.abc import Output, Run, Runner, Site
from launchkit.builtin.local_process.run import ProcessRun
from launchkit.builtin.local_process.runner import LocalProcessRunner as Right
from launchkit.model import LogChunk, RunState, RunStatus, Submission


class SilentRun(ProcessRun):
    """Nobody can read what it prints."""

    logs = Run.logs


class LateRun(ProcessRun):
    """Its output is there when it has ended."""

    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        status = await self.status()
        while not status.state.ended:
            status = await self.changed(status)
        async for chunk in super().logs(offset):
            yield chunk


class PolledRun(ProcessRun):
    """Tells of changes when it is asked again."""

    changed = Run.changed


class SmallPiecesRun(ProcessRun):
    """Gives its output in small pieces."""

    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        async for chunk in super().logs(offset):
            for start in range(0, len(chunk.data), 5000):
                data = chunk.data[start : start + 5000]
                yield LogChunk(offset=chunk.offset + start, data=data)


class SlowToShowRun(ProcessRun):
    """Shows what it is with a delay, and says little."""

    begun = 0.0

    async def status(self) -> RunStatus:
        self.begun = self.begun or anyio.current_time()
        now = await super().status()
        if now.state is RunState.RUNNING and anyio.current_time() < self.begun + 0.5:
            return RunStatus(state=RunState.STARTING)
        return replace(now, verdict=None, message=None)

    async def changed(self, last: RunStatus) -> RunStatus:
        while (now := await self.status()) == last:
            await anyio.sleep(0.2)
        return now


class EndsWithItsAgent(Right):
    """Nobody finds its runs again."""

    survives_agent = False
    attach = Runner.attach

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        await super().start(stack, site)
        self.mine: dict[str, Run] = {}
        stack.push_async_callback(self.end)

    async def submit(self, submission: Submission) -> Run:
        run = self.mine[submission.name] = await super().submit(submission)
        return run

    async def end(self) -> None:
        for run in self.mine.values():
            await run.aclose()


class NoEnvironment(Right):
    """Its runs get no variables."""

    async def submit(self, submission: Submission) -> Run:
        return await super().submit(replace(submission, env={}))

    def render(self, submission: Submission) -> object:  # type: ignore[override]
        return super().render(replace(submission, env={}))


class RefComesLater(Right):
    """Cannot tell the ref before; and it takes its time."""

    def ref_of(self, submission: Submission) -> None:  # type: ignore[override]
        return None

    async def prepare(self, submission: Submission, out: Output) -> None:
        await out.say("it takes a while")
        await anyio.sleep(0.3)

    async def submit(self, submission: Submission) -> Run:
        await anyio.sleep(0.3)
        return await super().submit(submission)
