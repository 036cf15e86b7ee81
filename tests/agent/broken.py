"""A plugin whose parts break where tests want it, and which no test uses."""

import sys
from asyncio import CancelledError
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from launchkit.abc import Builder, Environment, Fetcher, Finding, Output, Policy, Run, Runner, Site
from launchkit.aio.background import attend
from launchkit.errors import FetchError, RunLost
from launchkit.hookspecs import hookimpl
from launchkit.model import (
    BuildRequest,
    Event,
    Image,
    Json,
    Launch,
    LogChunk,
    RunState,
    RunStatus,
    Source,
    Submission,
    Verdict,
)
from launchkit.runners.verdicts import of_exit, status_of

MUCH = b"much\n" * 10_000
LONG = "long " * 40_000
HERE = sys.modules[__name__]
faults: set[str] = set()
odd_findings: list[Any] = []
submitted: Counter[str] = Counter()
begun: Counter[str] = Counter()
"""How often what goes on in the background was begun."""


def break_if(fault: str) -> None:
    if fault in faults and "exit" in faults:
        sys.exit(f"a bug in {fault}")
    if fault in faults and "cancelled" in faults:
        raise CancelledError(f"a bug in {fault}")
    if fault in faults:
        raise KeyError(f"a bug in {fault}")


@dataclass(kw_only=True)
class BrokenBuilder(Builder):
    kind = "broken"
    size: int

    async def build(self, request: BuildRequest, out: Output) -> Image:
        raise NotImplementedError


@dataclass(kw_only=True)
class UnsureBuilder(Builder):
    kind = "unsure"

    async def works_here(self) -> bool:
        break_if("works_here")
        return False

    async def build(self, request: BuildRequest, out: Output) -> Image:
        raise NotImplementedError


@dataclass(kw_only=True)
class BrokenEnvironment(Environment):
    kind = "broken"

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        break_if("environment start")
        if "ends all" in faults:
            site.tasks.cancel_scope.cancel()
        if "leaves late" in faults:
            site.tasks.start_soon(self._leave_late)
        attend(stack, site.tasks, self._look, name="a look at the place")

    async def _leave_late(self) -> None:
        """When it is cancelled, it cancels a scope within, which anyio counts at those around."""
        with anyio.CancelScope() as scope:
            try:
                await anyio.sleep_forever()
            finally:
                scope.cancel()
                await anyio.sleep_forever()

    async def _look(self) -> None:
        begun["environment"] += 1
        while True:
            break_if("environment background")
            await anyio.sleep(0.01)

    async def upload(self, source: Path, uri: str) -> None:
        raise NotImplementedError


@dataclass(kw_only=True)
class BrokenFetcher(Fetcher):
    kind = "broken"

    def __post_init__(self) -> None:
        break_if("fetcher")

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        break_if("fetcher start")
        stack.callback(break_if, "fetcher end")

    async def fetch(self, source: Source, into: Path) -> None:
        raise FetchError("there is nothing to fetch")


@dataclass(kw_only=True)
class BrokenRunner(Runner):
    kind = "broken"
    needs_image = False

    def __post_init__(self) -> None:
        break_if("runner")

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        break_if("runner start")
        stack.callback(break_if, "runner end")
        site.tasks.start_soon(self._look)

    async def _look(self) -> None:
        while True:
            break_if("background")
            await anyio.sleep(0.01)

    @classmethod
    def check_args(cls, args: Json) -> None:
        break_if("check_args")

    @classmethod
    def objections(cls, args: Json, policy: Policy) -> Iterable[str]:
        break_if("objections")
        yield from ()

    async def check(self) -> Sequence[Finding]:
        return odd_findings[:]

    async def check_queue(self, args: Json) -> Sequence[Finding]:
        return None if "odd config" in faults else []  # type: ignore[return-value]

    def ref_of(self, submission: Submission) -> str:
        if "names nothing" in faults:
            return 7  # type: ignore[return-value]
        return submission.name

    async def submit(self, submission: Submission) -> Run:
        break_if("submit")
        if "submits nothing" in faults:
            return None  # type: ignore[return-value]
        submitted[submission.name] += 1
        return BrokenRun(submission.name)

    async def attach(self, ref: str) -> Run:
        if ref not in submitted:
            raise RunLost(f"there is no run {ref}")
        return BrokenRun(ref)


class BrokenRun(Run):
    def __init__(self, ref: str) -> None:
        self.ref = ref

    async def status(self) -> RunStatus:
        break_if("status")
        if "sees nothing" in faults:
            return None  # type: ignore[return-value]
        if "goes on" in faults:
            return RunStatus(state=RunState.RUNNING)
        if "odd words" in faults:
            verdict = Verdict(code="\ud800", summary="odd")
            return RunStatus(state=RunState.FAILED, exit_code=2**80, verdict=verdict)
        if "long words" in faults:
            verdict = Verdict(code="failed", summary=LONG, evidence=(LONG,) * 5000, hint=LONG)
            return RunStatus(state=RunState.FAILED, message=LONG, verdict=verdict)
        return status_of(of_exit(0), 0)

    async def changed(self, last: RunStatus) -> RunStatus:
        while (now := await self.status()) == last:  # noqa: ASYNC110 - nothing tells us
            await anyio.sleep(0.01)
        return now

    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        break_if("logs")
        while "much output" in faults:
            yield LogChunk(offset=offset, data=MUCH)
            offset += len(MUCH)

    async def cancel(self, grace: float) -> None:
        break_if("cancel")

    async def aclose(self) -> None:
        break_if("aclose")


@hookimpl
def launchkit_builders() -> Sequence[type[Builder]]:
    return [UnsureBuilder, *([BrokenBuilder] if "builder" in faults else [])]


@hookimpl
def launchkit_environments() -> Sequence[type[Environment]]:
    return [BrokenEnvironment]


@hookimpl
def launchkit_fetchers() -> Sequence[type[Fetcher]]:
    return [BrokenFetcher]


@hookimpl
def launchkit_runners() -> Sequence[type[Runner]]:
    return [BrokenRunner]


@hookimpl
def launchkit_check(launch: Launch) -> Iterable[str]:
    break_if("launchkit_check")
    return []


@hookimpl
def launchkit_env(launch: Launch) -> Mapping[str, str]:
    break_if("launchkit_env")
    return {}


@hookimpl
def launchkit_event(event: Event) -> None:
    break_if("launchkit_event")
