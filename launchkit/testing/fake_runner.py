"""A runner whose runs live in memory and end when a test, or their arguments, say so."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from launchkit.abc import Run, Runner
from launchkit.aio.topics import Topics
from launchkit.codec import below, decode
from launchkit.errors import ConfigError, Rejected, RunLost
from launchkit.json_schema import json_schema
from launchkit.model import Json, LogChunk, RunState, RunStatus, Submission, Verdict
from launchkit.runners.masking import masked
from launchkit.testing.faults import Faults


@dataclass(frozen=True, kw_only=True)
class FakeArgs:
    """The resource arguments of a fake run."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    output: str = ""
    """What it prints when it starts."""
    exit_code: int | None = None
    """How it ends at once; None lets it run until somebody ends it."""


class FakeProcess:
    """One run as the infrastructure knows it."""

    def __init__(self, name: str, args: FakeArgs, news: Topics[str]) -> None:
        self.name = name
        self.status = RunStatus(state=RunState.RUNNING)
        self.output = args.output.encode()
        self._news = news
        if args.exit_code is not None:
            self.end(args.exit_code)

    def print(self, text: str) -> None:
        """Add to its output."""
        self.output += text.encode()
        self._news.notify(self.name)

    def end(self, exit_code: int = 0) -> None:
        """Let it end by itself."""
        if exit_code == 0:
            self.finish(RunState.FINISHED, "ok", "Ended with exit code 0.", 0)
        else:
            text = f"Ended with exit code {exit_code}."
            self.finish(RunState.FAILED, "user_exit", text, exit_code)

    def finish(
        self, state: RunState, code: str, summary: str, exit_code: int | None = None
    ) -> None:
        """Let it end in any way, for example `preempted`; one that has ended stays as it is."""
        if self.status.state.ended:
            return
        verdict = Verdict(code=code, summary=summary)
        self.status = RunStatus(state=state, exit_code=exit_code, verdict=verdict)
        self._news.notify(self.name)


class FakeCompute:
    """The infrastructure: outlives the runners and agents that use it."""

    def __init__(self) -> None:
        self.processes: dict[str, FakeProcess] = {}
        self.news = Topics[str]()
        """By the names of runs: it has printed, or ended."""
        self.starts: dict[str, int] = {}
        """How often each name was started."""
        self.faults = Faults()
        """For `submit`, `list` (each look at runs), `cancel` and `remove`."""

    def start(self, name: str, args: FakeArgs) -> FakeProcess:
        """Start a run, unless there is one of that name."""
        if name not in self.processes:
            self.processes[name] = FakeProcess(name, args, self.news)
            self.starts[name] = self.starts.get(name, 0) + 1
        return self.processes[name]

    def find(self, name: str) -> FakeProcess:
        """:raises RunLost: if there is no run of that name."""
        if name not in self.processes:
            raise RunLost(f"there is no fake run {name!r}")
        return self.processes[name]


class FakeRun(Run):
    """A run of the kind `fake`; `ref` is its submission's name."""

    def __init__(self, name: str, compute: FakeCompute) -> None:
        self.ref = name
        self._compute = compute

    async def status(self) -> RunStatus:
        """Look once. :raises RunLost: if it was removed."""

        async def look() -> RunStatus:
            return self._compute.find(self.ref).status

        return await self._compute.faults.around("list", look)

    async def changed(self, last: RunStatus) -> RunStatus:
        """Wait for another status."""
        with self._compute.news.subscribed(self.ref) as news:
            while (now := await self.status()) == last:
                await news.wait()
            return now

    async def cancel(self, grace: float) -> None:
        """End it at once."""

        async def end() -> None:
            process = self._compute.find(self.ref)
            process.finish(RunState.STOPPED, "stopped", "Was told to stop.")

        await self._compute.faults.around("cancel", end)

    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        """The output from byte *offset* on, until it has ended and all was given."""
        process = self._compute.find(self.ref)
        with self._compute.news.subscribed(self.ref) as news:
            while True:
                if data := process.output[offset:]:
                    yield LogChunk(offset=offset, data=data)
                    offset += len(data)
                elif process.status.state.ended:
                    return
                else:
                    await news.wait()

    async def aclose(self) -> None:
        """Forget the ended run."""

        async def remove() -> None:
            process = self._compute.processes.get(self.ref)
            if process and process.status.state.ended:
                del self._compute.processes[self.ref]

        await self._compute.faults.around("remove", remove)


@dataclass(kw_only=True)
class FakeRunner(Runner):
    """Starts fake runs. Two runners with one `compute` find each other's runs.

    To use it through a plugin, subclass it, set `kind` and give `compute` a default of your own.
    """

    kind: ClassVar[str] = "fake"

    compute: FakeCompute = field(default_factory=FakeCompute, repr=False)

    @classmethod
    def check_args(cls, args: Json) -> None:
        """:raises Rejected: if they are not `FakeArgs`."""
        _args(args)

    @classmethod
    def args_schema(cls) -> dict[str, Any]:
        """The fields of `FakeArgs`."""
        return json_schema(FakeArgs)

    def render(self, submission: Submission) -> Json:
        """What `submit` would start."""
        return {
            "name": submission.name,
            "args": dict(submission.resource_args),
            "env": masked(submission.env),
        }

    def ref_of(self, submission: Submission) -> str:
        """The submission's name."""
        return submission.name

    async def submit(self, submission: Submission) -> Run:
        """Start it, or give the run that is there."""

        async def start() -> Run:
            self.compute.start(submission.name, _args(submission.resource_args))
            return FakeRun(submission.name, self.compute)

        return await self.compute.faults.around("submit", start)

    async def attach(self, ref: str) -> Run:
        """Find a run again. :raises RunLost: if it is gone."""
        self.compute.find(ref)
        return FakeRun(ref, self.compute)


def _args(args: Json) -> FakeArgs:
    try:
        return decode(FakeArgs, dict(args), below("resource_args"))
    except ConfigError as exc:
        raise Rejected(exc.message) from exc
