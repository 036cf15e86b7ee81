"""The runner as a component."""

import os
import subprocess
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from local_process.runs import NEST, Make, site_at
from mounts import Mount
from waiting import PATIENCE, until

from launchkit.abc import Runner
from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.errors import ConfigError, SubmitError
from launchkit.model import RunState
from launchkit.plugins import Plugins
from launchkit.testing import end_of


def test_it_is_found_by_its_kind_and_made_from_settings() -> None:
    runner = Plugins(entry_points=False).create(Runner, "local-process", {"keep": True})
    assert isinstance(runner, LocalProcessRunner)
    assert runner.keep


def test_an_unknown_setting_is_refused_with_a_suggestion() -> None:
    with pytest.raises(ConfigError, match="did you mean 'keep'"):
        Plugins(entry_points=False).create(Runner, "local-process", {"kep": True})


async def test_the_directory_of_runs_can_be_set(place: Path, make: Make, tmp_path: Path) -> None:
    async with anyio.create_task_group() as tasks, AsyncExitStack() as stack:
        runner = LocalProcessRunner(dir=str(tmp_path / "elsewhere"))
        await runner.start(stack, site_at(place, tasks))
        run = await runner.submit(make("true"))
        await end_of(run)
        tasks.cancel_scope.cancel()
    assert Path(run.ref).parent == tmp_path / "elsewhere"
    assert Path(run.ref).stat().st_mode & 0o777 == 0o700
    files = [path for path in Path(run.ref).iterdir() if path.is_file()]
    assert [path.name for path in files if path.stat().st_mode & 0o077] == []


async def test_what_earlier_runs_left_is_swept_when_it_is_old(place: Path) -> None:
    root = place / "state" / "runs"
    ages = {"old-ended": 8, "new-ended": 6, "old-half": 2, "new-half": 0, ".ended-x": 0}
    for name, days in ages.items():
        (root / name).mkdir(parents=True)
        if "ended" in name:
            (root / name / "started").touch()
        os.utime(root / name, (time.time() - days * 86400 - 60,) * 2)
    async with anyio.create_task_group() as tasks, AsyncExitStack() as stack:
        await LocalProcessRunner().start(stack, site_at(place, tasks))
        with anyio.fail_after(PATIENCE):
            while sorted(path.name for path in root.iterdir()) != ["new-ended", "new-half"]:  # noqa: ASYNC110
                await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()


async def test_what_a_run_left_is_removed_however_deep(
    runner: LocalProcessRunner, make: Make
) -> None:
    run = await runner.submit(make("python", "-c", NEST))
    assert (await end_of(run)).state is RunState.FINISHED
    await run.aclose()
    assert [path.name for path in Path(run.ref).parent.iterdir()] == [".over"]


async def test_what_cannot_be_swept_is_told_and_hinders_nothing(
    place: Path, mounted: Mount, caplog: pytest.LogCaptureFixture
) -> None:
    root, setups = place / "state" / "runs", place / "cache" / "setup"
    for name in ("a", "b", "c"):
        (root / f".ended-{name}" / "used").mkdir(parents=True)
    mounted("--bind", root, root / ".ended-b" / "used")
    (setups / "0.old-1" / "bin").mkdir(parents=True)
    (setups / "1").mkdir()
    subprocess.run([sys.executable, "-c", NEST], cwd=root / ".ended-c", check=True)
    async with anyio.create_task_group() as tasks, AsyncExitStack() as stack:
        await LocalProcessRunner().start(stack, site_at(place, tasks))
        left = [root / ".ended-b", setups / "1"]
        await until(lambda: caplog.records and [*root.iterdir(), *setups.iterdir()] == left)
        tasks.cancel_scope.cancel()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert f"{root}/.ended-b cannot be removed altogether" in caplog.text


async def test_check_tells_of_disk_and_processes(runner: LocalProcessRunner, place: Path) -> None:
    findings = await runner.check()
    assert [finding.level for finding in findings] == ["ok", "ok", "ok"]
    (place / "state" / "runs").rmdir()
    assert [finding.level for finding in await runner.check()] == ["error"]


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", ""])
async def test_a_name_that_is_no_file_name_is_refused(
    runner: LocalProcessRunner, make: Make, name: str
) -> None:
    with pytest.raises(SubmitError):
        await runner.submit(replace(make("true"), name=name))
