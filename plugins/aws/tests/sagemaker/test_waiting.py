"""Without room or credentials a launch waits, and no run is judged."""

import anyio
import pytest
from launchkit_aws.sagemaker.runner import SageMakerRunner

from launchkit.abc import Run
from launchkit.aio.retry import Backoff
from launchkit.errors import NotYet
from launchkit.model import RunState, RunStatus
from launchkit.runners import quotas
from launchkit.testing import RecordingOutput, end_of, submitted, until

from .fake import ACCOUNT, FakeAws
from .making import Runners, config, job_of, submission


async def test_without_room_a_launch_waits_and_others_go_on(
    runners: Runners, fake: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotas, "BACKOFF", Backoff(first=0.3, cap=0.3))
    fake.room["ml.g5.xlarge"] = 0
    large = config(ResourceConfig={"InstanceType": "ml.g5.xlarge", "InstanceCount": 1})
    async with runners() as one:
        blocked, out = submission(args=large), RecordingOutput()
        await one.prepare(blocked, out)
        with pytest.raises(NotYet, match=r"service limit 'ml\.g5\.xlarge for training job usage'"):
            await one.submit(blocked)
        await one.prepare(submission(), RecordingOutput())
        await one.submit(submission())
        began = anyio.current_time()
        await one.prepare(blocked, out)
        assert anyio.current_time() - began >= 0.1
        assert any("waits for quota: The account-level service limit" in it for it in out.marks)
        fake.room["ml.g5.xlarge"] = 1
        run = await one.submit(blocked)
        assert (await run.status()).state is RunState.STARTING


@pytest.mark.parametrize("role", ["job", f"arn:aws:iam::{ACCOUNT}:role/job"])
@pytest.mark.parametrize("is_there", [True, False])
async def test_without_credentials_that_count_a_launch_waits(
    runners: Runners,
    fake: FakeAws,
    monkeypatch: pytest.MonkeyPatch,
    role: str,
    *,
    is_there: bool,
) -> None:
    """They may come at any time, and a launch that fails does not come back."""
    monkeypatch.setattr(quotas, "BACKOFF", Backoff(first=0.05, cap=0.05))
    if is_there:
        fake.expired.add("ann")
    else:
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    blocked, out = submission(args=config(RoleArn=role)), RecordingOutput()
    runs: list[Run] = []

    async def live() -> None:
        runs.append(await submitted(one, blocked, out))

    async with runners() as one, anyio.create_task_group() as tasks:
        tasks.start_soon(live)
        await until(lambda: any("waits for credentials: " in mark for mark in out.marks))
        assert not fake.jobs
        fake.expired.clear()
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "anns-next")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        await until(lambda: runs)
    assert len(fake.jobs) == 1


async def test_credentials_that_end_in_the_middle_are_got_anew(
    made: SageMakerRunner, fake: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = submission()
    run = await made.submit(one)
    await run.status()
    fake.expired.add("ann")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "anns-next")
    ends: list[RunStatus] = []

    async def watch() -> None:
        ends.append(await end_of(run))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        job_of(fake, one).become("Completed")
    assert ends[0].state is RunState.FINISHED


async def test_a_job_whose_answer_was_lost_is_not_given_up_for_credentials_that_expire(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    fake.lost.append("CreateTrainingJob")
    one = submission()
    async with anyio.create_task_group() as tasks:

        async def renew() -> None:
            await until(lambda: fake.count("CreateTrainingJob") == 1)
            fake.expired.add("ann")
            await until(lambda: fake.refusals["ExpiredTokenException"])
            fake.expired.clear()

        tasks.start_soon(renew)
        await made.submit(one)
    assert len(fake.jobs) == 1


async def test_credentials_that_stay_expired_judge_no_run(
    made: SageMakerRunner, fake: FakeAws, caplog: pytest.LogCaptureFixture
) -> None:
    one = submission()
    run = await made.submit(one)
    status = await run.status()
    fake.expired.add("ann")
    job_of(fake, one).become("Completed")
    ends: list[RunStatus] = []

    async def watch() -> None:
        ends.append(await end_of(run))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        await until(lambda: "ExpiredToken" in caplog.text)
        assert (ends, status.state) == ([], RunState.STARTING)
        fake.expired.clear()
    assert ends[0].state is RunState.FINISHED
