"""Setup: made once, shared by runs, never half-done."""

import os
import re
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import pytest
from local_process.runs import NEST, Make, output_of, printed, site_at

from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.errors import SubmitError
from launchkit.model import RunState, Submission
from launchkit.testing import end_of

TOOL = (
    'echo making; mkdir "$LAUNCHKIT_SETUP_DIR/bin"; '
    "printf '#!/bin/sh\\necho the tool' > $LAUNCHKIT_SETUP_DIR/bin/tool; "
    "chmod +x $LAUNCHKIT_SETUP_DIR/bin/tool"
)


async def test_a_setup_is_made_once_and_its_programs_are_found(
    runner: LocalProcessRunner, make: Make
) -> None:
    logs = []
    for _ in range(2):
        run = await runner.submit(make("tool", resource_args={"setup": TOOL}))
        assert (await end_of(run)).state is RunState.FINISHED
        logs.append(await output_of(run))
    assert b"\nmaking\n" in logs[0]
    assert b"is in the cache" in logs[1]
    assert [log.splitlines()[-1] for log in logs] == [b"the tool"] * 2


async def test_the_log_shows_a_setup_without_what_is_a_secret_by_its_name(
    runner: LocalProcessRunner, make: Make
) -> None:
    setup = 'test "$PIP_TOKEN" || PIP_TOKEN=hushhush sh -c "echo ${PIP_TOKEN:-made}"'
    run = await runner.submit(make("true", resource_args={"setup": setup}))
    assert (await end_of(run)).state is RunState.FINISHED
    log = await output_of(run)
    assert b"PIP_TOKEN=" in log
    assert b"hushhush" not in log


async def test_who_knows_all_but_a_secret_of_a_setup_cannot_try_it_out_by_its_name(
    make: Make, tmp_path: Path
) -> None:
    names: list[bytes] = []
    async with anyio.create_task_group() as tasks, AsyncExitStack() as stack:
        for place in (tmp_path / "one", tmp_path / "other", tmp_path / "one"):
            runner = LocalProcessRunner()
            await runner.start(stack, site_at(place, tasks))
            run = await runner.submit(make("true", resource_args={"setup": "true hushhush"}))
            await end_of(run)
            names += re.findall(rb"setup ([0-9a-f]{32}) is", await output_of(run))
        tasks.cancel_scope.cancel()
    assert names[0] == names[2] != names[1], "it is made of something that each cache alone has"
    key = tmp_path / "one" / "cache" / "setup" / "key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert [*key.parent.glob(".key*")] == []


@pytest.mark.parametrize("damage", [os.mkfifo, Path.touch, lambda key: key.symlink_to("/dev/zero")])
async def test_what_is_no_key_of_setups_is_told_with_what_to_do(
    runner: LocalProcessRunner, make: Make, place: Path, damage: Callable[[Path], None]
) -> None:
    key = place / "cache" / "setup" / "key"
    damage(key)
    with pytest.raises(SubmitError, match=re.escape(f"{key} is no key of 32 bytes")) as raised:
        await runner.submit(make("true", resource_args={"setup": "true"}))
    assert "remove it" in str(raised.value.hint)


async def test_other_requirements_are_another_setup(runner: LocalProcessRunner, make: Make) -> None:
    homes: list[bytes] = []
    for text in ("a==1", "a==2", "a==1"):
        submission = make(
            "sh",
            "-c",
            "echo $LAUNCHKIT_SETUP_DIR",
            files={"requirements.txt": text, "train.py": f"# {len(homes)}"},
            resource_args={"setup": "true"},
        )
        run = await runner.submit(submission)
        await end_of(run)
        homes.append((await output_of(run)).splitlines()[-1])
    assert homes[0] == homes[2] != homes[1]


async def test_runs_at_once_wait_for_one_setup(runner: LocalProcessRunner, make: Make) -> None:
    def submission() -> Submission:
        return make("tool", resource_args={"setup": "sleep 0.2; " + TOOL})

    runs = [await runner.submit(submission()) for _ in range(3)]
    async with anyio.create_task_group() as tasks:
        for run in runs:
            tasks.start_soon(end_of, run)
    logs = [await output_of(run) for run in runs]
    assert sum(b"\nmaking\n" in log for log in logs) == 1
    assert all(log.endswith(b"the tool\n") for log in logs)


async def test_a_failed_setup_fails_the_run_and_is_made_anew(
    runner: LocalProcessRunner, make: Make, tmp_path: Path
) -> None:
    setup = 'ls -A "$LAUNCHKIT_SETUP_DIR"; touch "$LAUNCHKIT_SETUP_DIR/half"; echo oops; '
    setup += f"test -e {tmp_path}/repaired || exit 9"
    states = []
    for _ in range(2):
        run = await runner.submit(make("echo", "ran", resource_args={"setup": setup}))
        states.append(await end_of(run))
        assert b"half\n" not in await output_of(run)
        (tmp_path / "repaired").touch()
    assert states[0].exit_code == 9
    assert states[0].verdict
    assert states[0].verdict.code == "setup_failed"
    assert states[0].verdict.evidence[-1] == "oops"
    assert states[1].state is RunState.FINISHED


async def test_what_a_failed_setup_left_is_removed_however_deep(
    runner: LocalProcessRunner, make: Make, tmp_path: Path, place: Path
) -> None:
    half = f'cd "$LAUNCHKIT_SETUP_DIR"; python -c "{NEST}"; exit 1'
    setup = f"test -e {tmp_path}/repaired || {{ {half}; }}"
    await end_of(await runner.submit(make("true", resource_args={"setup": setup})))
    (tmp_path / "repaired").touch()
    run = await runner.submit(make("true", resource_args={"setup": setup}))
    assert (await end_of(run)).state is RunState.FINISHED
    assert not list((place / "cache" / "setup").glob("*.old-*"))


@pytest.mark.parametrize(
    "setup", [["./no-such-script"], ["no-such-program"], ["./plain.txt"], "kill -9 $$"]
)
async def test_a_setup_that_cannot_run_is_told(
    runner: LocalProcessRunner, make: Make, setup: object
) -> None:
    submission = make("true", files={"plain.txt": ""}, resource_args={"setup": setup})
    status = await end_of(await runner.submit(submission))
    assert status.verdict
    assert status.verdict.code == "setup_failed"
    assert "etup" in status.verdict.summary


async def test_a_setup_of_a_run_that_was_stopped_is_made_anew(
    runner: LocalProcessRunner, make: Make, tmp_path: Path
) -> None:
    setup = f"echo making; test -e {tmp_path}/quick || sleep 300"
    first = await runner.submit(make("true", resource_args={"setup": setup}))
    await printed(first, b"\nmaking")
    await first.cancel(5)
    (tmp_path / "quick").touch()
    second = await runner.submit(make("true", resource_args={"setup": setup}))
    assert (await end_of(second)).state is RunState.FINISHED
    assert b"\nmaking" in await output_of(second)
