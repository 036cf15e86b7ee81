"""What tests of runs do again and again."""

import os
from collections.abc import Callable
from pathlib import Path

import anyio
from anyio.abc import TaskGroup
from run_processes import tagged
from waiting import PATIENCE, until

from launchkit.abc import Run, Site
from launchkit.model import Launch, Submission
from launchkit.testing import make_launch

Make = Callable[..., Submission]


def site_at(place: Path, tasks: TaskGroup) -> Site:
    return Site(
        agent="test",
        name="here",
        state_dir=place / "state",
        cache_dir=place / "cache",
        tasks=tasks,
    )


def a_launch(command: tuple[str, ...]) -> Launch:
    return make_launch(entry_point=command)


NEST = "import os\nfor _ in range(1500): os.mkdir('deep'); os.chdir('deep')"
"""A program that leaves a tree which is too deep for what calls itself at each level."""


async def output_of(run: Run, offset: int = 0) -> bytes:
    data = b""
    with anyio.fail_after(PATIENCE):
        async for chunk in run.logs(offset):
            assert chunk.offset == offset + len(data)
            data += chunk.data
    return data


async def printed(run: Run, text: bytes) -> None:
    """Wait until the run has printed *text*."""
    log = Path(run.ref) / "output.log"
    await until(lambda: log.exists() and text in log.read_bytes())


def processes_of(submission: Submission) -> list[int]:
    """The live processes of a run that have its tag."""
    return tagged(submission.name)


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
