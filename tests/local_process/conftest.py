"""A started runner, and submissions to give it."""

import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import anyio
import pytest
from local_process.runs import Make, a_launch, site_at
from run_processes import tagged

from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.model import Submission
from launchkit.supervision import cgroup, processes


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "site"


@pytest.fixture
async def runner(place: Path) -> AsyncIterator[LocalProcessRunner]:
    async with anyio.create_task_group() as tasks, AsyncExitStack() as stack:
        runner = LocalProcessRunner()
        await runner.start(stack, site_at(place, tasks))
        yield runner
        tasks.cancel_scope.cancel()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes submissions; what they left running is ended after the test."""
    names: list[str] = []

    def make_submission(
        *command: str,
        files: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        **launch: object,
    ) -> Submission:
        name = f"lk-{uuid4().hex[:12]}-0"
        names.append(name)
        code = tmp_path / f"code-{name}"
        code.mkdir()
        for path, text in (files or {}).items():
            (code / path).parent.mkdir(parents=True, exist_ok=True)
            (code / path).write_text(text)
            if path.endswith(".sh"):
                (code / path).chmod(0o755)
        base = a_launch(command)
        base = replace(base, **launch)  # type: ignore[arg-type]
        return Submission(
            name=name,
            launch=base,
            command=command,
            env=dict(env or {}),
            resource_args=base.resource_args,
            code=code,
        )

    yield make_submission
    for name in names:
        for path in Path(cgroup.home() or tmp_path).glob(f"{cgroup.PREFIX}{name}.*"):
            assert cgroup.Cgroup(str(path)).end()
        for pid in tagged(name):
            processes.send(pid, signal.SIGKILL)
