"""Jobs of a service that a fake server plays: shell scripts, which run as processes here."""

import shlex
import signal
from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from os import killpg
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT

import anyio
from anyio.abc import Process

from launchkit.model import Submission
from launchkit.testing.contracts.workload import Workload

SHELL = "/bin/sh"


@dataclass(frozen=True)
class Program:
    """What a job runs: a process with a session of its own, whose lines are given away."""

    command: Sequence[str]
    env: Mapping[str, str]
    stopping: anyio.Event
    """Set when the job is to end."""
    stop_seconds: float
    """How long the program may take to end then."""

    async def run(self, began: Callable[[int], None], line: Callable[[str], None]) -> int:
        """Run it to its end, and tell the id of its process and each of its lines; its exit code,
        or less than 0 for a signal.
        """
        async with await anyio.open_process(
            [*self.command], stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, env=self.env,
            start_new_session=True,
        ) as process:  # fmt: skip
            began(process.pid)
            try:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._end, process)
                    async with anyio.create_task_group() as reading:
                        reading.start_soon(_tell, process, line)
                        await process.wait()
                        _signal(process, signal.SIGKILL)
                    tasks.cancel_scope.cancel()
            finally:
                _signal(process, signal.SIGKILL)
            return process.returncode or 0

    async def _end(self, process: Process) -> None:
        await self.stopping.wait()
        _signal(process, signal.SIGTERM)
        await anyio.sleep(self.stop_seconds)
        _signal(process, signal.SIGKILL)


async def _tell(process: Process, line: Callable[[str], None]) -> None:
    assert process.stdout
    rest = b""
    async for data in process.stdout:
        *lines, rest = (rest + data).split(b"\n")
        for one in lines:
            line(one.decode(errors="replace"))
    if rest:
        line(rest.decode(errors="replace"))


def _signal(process: Process, number: int) -> None:
    with suppress(ProcessLookupError):
        killpg(process.pid, number)


class ShellJobs(Workload):
    """Shell scripts as jobs of a service whose fake runs them as a `Program` each."""

    def __init__(self, place: Path) -> None:
        self.place = place

    @abstractmethod
    def submission(self) -> Submission:
        """A new one of a config that the service takes."""

    @abstractmethod
    def pids(self, submission: Submission) -> Collection[int]:
        """The ids of the processes that its jobs began."""

    def exits(self, code: int) -> Submission:
        """A script with that exit code."""
        return self.shell(f"exit {code}")

    def waits(self) -> Submission:
        """A script that ends when told politely."""
        return self.shell("trap 'exit 0' TERM; sleep 600 & wait")

    def prints(self, text: str) -> Submission:
        """A script that prints *text*."""
        return self.shell(f"printf %s {shlex.quote(text)}")

    def shell(self, script: str) -> Submission:
        """The script is in the image, so to say: a service may bound the length of arguments."""
        made = self.submission()
        path = self.place / f"{made.name}.sh"
        path.write_text(script)
        command = (SHELL, str(path))
        return replace(made, command=command, launch=replace(made.launch, entry_point=command))

    async def alive(self, submission: Submission) -> Sequence[str]:
        """What lives in the sessions that its jobs began."""
        sessions = {*map(str, self.pids(submission))}
        found = []
        for one in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, _, _, session, *_ = one.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if session in sessions and state != "Z":
                found.append(one.parent.name)
        return found
