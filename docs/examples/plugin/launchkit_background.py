"""A runner for launchkit: background processes of the agent's machine, which end with the agent."""

import os
import signal
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from shutil import copytree
from subprocess import DEVNULL, STDOUT

import anyio
from anyio.abc import Process
from anyio.to_thread import run_sync

from launchkit import hookimpl
from launchkit.abc import Run, Runner, Site
from launchkit.code.remove_tree import remove_tree
from launchkit.errors import Rejected
from launchkit.model import Json, LogChunk, RunState, RunStatus, Submission, Verdict

open_quiet = partial(anyio.open_process, stdin=DEVNULL, stderr=STDOUT, start_new_session=True)


class BackgroundRun(Run):
    """One process, and the directory with its code and its log."""

    def __init__(self, process: Process, place: Path, runs: dict[str, Run]) -> None:
        self.process, self.place, self.runs = process, place, runs
        self.ref, self.cancelled = place.name, False

    async def status(self) -> RunStatus:
        code = self.process.returncode
        if code is None:
            return RunStatus(state=RunState.RUNNING)
        state = RunState.FAILED if code else RunState.FINISHED
        state = RunState.STOPPED if self.cancelled else state
        verdict = Verdict(code="failed" if code else "ok", summary=f"exit code {code}")
        return RunStatus(state=state, exit_code=code, verdict=verdict)

    async def changed(self, last: RunStatus) -> RunStatus:
        await self.process.wait()
        return await self.status()

    async def cancel(self, grace: float) -> None:
        if self.process.returncode is None:
            self.cancelled = True
            for number in (signal.SIGTERM, signal.SIGKILL):
                with suppress(ProcessLookupError), anyio.move_on_after(grace):
                    os.killpg(self.process.pid, number)
                    await self.process.wait()
            await self.process.wait()

    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        async with await anyio.open_file(self.place / "log", "rb") as log:
            await log.seek(offset)
            ended = False
            while not ended:
                ended = self.process.returncode is not None
                while data := await log.read(65536):
                    yield LogChunk(offset=offset, data=data)
                    offset += len(data)
                await anyio.sleep(0 if ended else 0.1)

    async def aclose(self) -> None:
        self.runs.pop(self.ref, None)
        await run_sync(remove_tree, self.place)


@dataclass(kw_only=True)
class BackgroundRunner(Runner):
    """Starts processes; `nice` is a setting."""

    kind, needs_image, survives_agent = "background", False, False
    nice: int = 0
    _runs: dict[str, Run] = field(default_factory=dict, init=False)

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        self._root = site.state_dir / "background"

    @classmethod
    def check_args(cls, args: Json) -> None:
        if args:
            raise Rejected(f"background takes no resource arguments, but got {', '.join(args)}")

    async def submit(self, submission: Submission) -> Run:
        if submission.name not in self._runs:
            place = self._root / submission.name
            await run_sync(copytree, str(submission.code), place / "code")
            # The process ends with the agent, also if that is killed.
            args = ["setpriv", "--pdeathsig", "KILL", "nice", f"-n{self.nice}", *submission.command]
            env = {**os.environ, **submission.env}
            with (place / "log").open("wb") as log:
                process = await open_quiet(args, cwd=place / "code", env=env, stdout=log)
            self._runs[submission.name] = BackgroundRun(process, place, self._runs)
        return self._runs[submission.name]


@hookimpl
def launchkit_runners() -> list[type[Runner]]:
    """Offer the runner."""
    return [BackgroundRunner]
