"""A runner plugin whose runs do what their queue config says: what real ones cannot be made to."""

from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import anyio

from launchkit.abc import Run, Runner, Site
from launchkit.hookspecs import hookimpl
from launchkit.model import Json, Launch, RunState, RunStatus, Submission


@dataclass(kw_only=True)
class StageRunner(Runner):
    kind = "stage"
    needs_image = False
    survives_agent = False
    submitted: list[str] = field(init=False, default_factory=list)

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        site.watches["stage"] = lambda: 1.5

    async def submit(self, submission: Submission) -> Run:
        self.submitted.append(submission.name)
        if submission.resource_args.get("raise") == "submit":
            raise ZeroDivisionError("a bug in the plugin")
        return StageRun(submission)


class StageRun(Run):
    def __init__(self, submission: Submission) -> None:
        self.ref = submission.name
        self._args: Json = submission.resource_args
        self._attempt = submission.launch.attempt
        self._cancelled = False

    async def status(self) -> RunStatus:
        if self._cancelled:
            return RunStatus(state=RunState.STOPPED)
        if self._attempt <= int(str(self._args.get("preempt", 0))):
            return RunStatus(state=RunState.PREEMPTED, message="spot price")
        return RunStatus(state=RunState(str(self._args.get("state", "finished"))))

    async def changed(self, last: RunStatus) -> RunStatus:
        while (now := await self.status()) == last:  # noqa: ASYNC110
            await anyio.sleep(0.01)
        return now

    async def cancel(self, grace: float) -> None:
        self._cancelled = True


@hookimpl
def launchkit_runners() -> list[type[Runner]]:
    return [StageRunner]


@hookimpl
def launchkit_check(launch: Launch) -> Iterable[str]:
    if launch.name == "forbidden":
        yield "this name is forbidden"


@hookimpl
def launchkit_env(launch: Launch) -> Mapping[str, str]:
    return {"FROM_PLUGIN": launch.queue}
