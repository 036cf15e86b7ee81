"""Without room or credentials, or the service away, a launch waits, and no run is judged."""

from pathlib import Path

import anyio
import pytest
from launchkit_gcp.vertex.runner import VertexRunner

from launchkit.abc import Run
from launchkit.aio.retry import Backoff
from launchkit.errors import NotYet
from launchkit.model import RunState, RunStatus
from launchkit.runners import quotas
from launchkit.testing import RecordingOutput, end_of, submitted, until

from .beside import TOKEN
from .fake import FakeVertex, S
from .making import Runners, config, job_of, pool, submission


async def test_a_job_whose_answer_was_lost_is_not_given_up_for_credentials_that_expire(
    made: VertexRunner, fake: FakeVertex
) -> None:
    fake.lost.append("CreateCustomJob")
    one = submission()
    async with anyio.create_task_group() as tasks:

        async def renew() -> None:
            await until(lambda: fake.count("CreateCustomJob") == 1)
            fake.gives_tokens = False
            fake.tokens.clear()
            await until(lambda: fake.not_given > 1)
            fake.gives_tokens = True

        tasks.start_soon(renew)
        await made.submit(one)
    assert len(fake.of_run(one.launch.run_id)) == 1


async def test_without_room_a_launch_waits_and_others_go_on(
    runners: Runners, fake: FakeVertex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotas, "BACKOFF", Backoff(first=0.3, cap=0.3))
    fake.room["a2-highgpu-1g"] = 0
    large = config(worker_pool_specs=[pool(machine_spec={"machine_type": "a2-highgpu-1g"})])
    async with runners() as one:
        blocked, out = submission(args=large), RecordingOutput()
        await one.prepare(blocked, out)
        with pytest.raises(NotYet, match="exceed quota limits"):
            await one.submit(blocked)
        await one.prepare(submission(), RecordingOutput())
        await one.submit(submission())
        await one.prepare(blocked, out)
        assert any("waits for quota: The following quota metrics" in it for it in out.marks)
        fake.room["a2-highgpu-1g"] = 1
        run = await one.submit(blocked)
        assert (await run.status()).state is RunState.STARTING


async def test_without_credentials_that_count_a_launch_waits(
    runners: Runners, fake: FakeVertex, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """They may come at any time, and a launch that fails does not come back."""
    monkeypatch.setattr(quotas, "BACKOFF", Backoff(first=0.05, cap=0.05))
    key, aside = tmp_path / "key.json", tmp_path / "aside.json"
    key.rename(aside)
    blocked, out = submission(), RecordingOutput()
    runs: list[Run] = []

    async def live() -> None:
        runs.append(await submitted(one, blocked, out))

    async with runners() as one, anyio.create_task_group() as tasks:
        tasks.start_soon(live)
        await until(lambda: any("waits for credentials: " in mark for mark in out.marks))
        assert not fake.jobs
        aside.rename(key)
        await until(lambda: runs)
    assert len(fake.jobs) == 1


async def test_a_token_that_no_longer_counts_is_got_anew(
    made: VertexRunner, fake: FakeVertex
) -> None:
    one = submission()
    run = await made.submit(one)
    fake.tokens.clear()
    assert (await run.status()).state is RunState.STARTING
    assert TOKEN not in fake.tokens
    with fake.lock:
        job_of(fake, one).become(S.JOB_STATE_SUCCEEDED)
    assert (await end_of(run)).state is RunState.FINISHED


async def test_a_service_that_is_away_judges_no_run(
    made: VertexRunner, fake: FakeVertex, caplog: pytest.LogCaptureFixture
) -> None:
    one = submission()
    run = await made.submit(one)
    await run.status()
    fake.away |= {"GetCustomJob", "ListCustomJobs"}
    with fake.lock:
        job_of(fake, one).become(S.JOB_STATE_SUCCEEDED)
    ends: list[RunStatus] = []

    async def watch() -> None:
        ends.append(await end_of(run))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        await until(lambda: "currently unavailable" in caplog.text)
        assert not ends
        fake.away.clear()
    assert ends[0].state is RunState.FINISHED
