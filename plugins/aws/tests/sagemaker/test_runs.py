"""Training jobs from their preparation to their end, with what users of other submitters met."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from launchkit_aws.environment import AwsEnvironment
from launchkit_aws.sagemaker import jobs
from launchkit_aws.sagemaker.runner import SageMakerRunner

from launchkit.abc import Run
from launchkit.aio.retry import Backoff
from launchkit.errors import ConfigError, LaunchError, NotYet, RunLost, SubmitError
from launchkit.model import RunState, RunStatus, Secret, Submission
from launchkit.runners import quotas
from launchkit.testing import RecordingOutput, end_of, site_at, started, until

from .fake import ACCOUNT, REGION, FakeAws, Job
from .making import config, name_of, runner, submission

Runners = Callable[..., AbstractAsyncContextManager[SageMakerRunner]]
RUNS = 1000
POLL_SECONDS = 1.0


@pytest.fixture
def runners(tmp_path: Path, fake: FakeAws) -> Runners:
    """Starts runners; keywords are their settings."""

    @asynccontextmanager
    async def made(**settings: Any) -> AsyncIterator[SageMakerRunner]:
        async with site_at(tmp_path / "site") as site, started(runner(**settings), site) as one:
            yield one

    return made


@pytest.fixture
async def made(runners: Runners) -> AsyncIterator[SageMakerRunner]:
    """A started runner."""
    async with runners() as one:
        yield one


def job_of(fake: FakeAws, one: Submission) -> Job:
    """Its training job."""
    return fake.jobs[name_of(one)]


ENDS: tuple[tuple[str, str, str, RunState, str], ...] = (
    ("Completed", "Completed", "", RunState.FINISHED, "ok"),
    ("Failed", "Failed", "AlgorithmError: , exit code: 4", RunState.FAILED, "user_exit"),
    ("Stopped", "MaxRuntimeExceeded", "", RunState.FAILED, "run_timeout"),
    ("Failed", "Failed", "CapacityError: Unable to provision", RunState.PREEMPTED, "preempted"),
    ("Stopped", "Stopped", "", RunState.STOPPED, "stopped"),
)


async def test_a_thousand_runs_are_judged_right_although_three_of_ten_answers_are_throttled(
    runners: Runners, fake: FakeAws
) -> None:
    """And their looks cost one listing each poll, and a description for each change."""
    fake.throttled = 0.3
    submissions = [submission() for _ in range(RUNS)]
    ends: dict[str, RunStatus] = {}
    async with runners(poll_seconds=POLL_SECONDS, api_rate=20_000) as one:

        async def live(asked: Submission) -> None:
            run = await one.submit(asked)
            ends[name_of(asked)] = await end_of(run)

        began = anyio.current_time()
        async with anyio.create_task_group() as tasks:
            for asked in submissions:
                tasks.start_soon(live, asked)
            await until(lambda: len(fake.jobs) == RUNS)
            for job in fake.jobs.values():
                job.become("InProgress", "Training")
            for number, asked in enumerate(submissions):
                main, secondary, reason, _, _ = ENDS[number % len(ENDS)]
                job_of(fake, asked).become(main, secondary, reason=reason)
        polls = (anyio.current_time() - began) / POLL_SECONDS
    for number, asked in enumerate(submissions):
        *_, state, code = ENDS[number % len(ENDS)]
        end = ends[name_of(asked)]
        assert (end.state, end.verdict and end.verdict.code) == (state, code)
    answered = 1 - fake.throttled
    pages = 2 * (RUNS / 100 + 1)
    assert fake.count("ListTrainingJobs") * answered <= 1.2 * pages * (polls + 2)
    assert fake.count("DescribeTrainingJob") * answered <= 1.2 * 3 * RUNS
    assert fake.count("CreateTrainingJob") * answered <= 1.2 * RUNS


async def test_an_idle_hour_of_many_runs_costs_one_listing_each_poll(
    runners: Runners, fake: FakeAws
) -> None:
    """Which asks for fixed sets: what is under way, by the time at which it was made."""
    async with runners() as one, anyio.create_task_group() as tasks:
        runs = [await one.submit(submission()) for _ in range(150)]
        for job in fake.jobs.values():
            job.become("InProgress", "Training")
        for run in runs:
            tasks.start_soon(run.changed, await run.status())
        await until(lambda: fake.count("ListTrainingJobs") >= 4)
        described = fake.count("DescribeTrainingJob")
        began, since = anyio.current_time(), fake.count("ListTrainingJobs")
        await until(lambda: fake.count("ListTrainingJobs") >= since + 20)
        polls = (anyio.current_time() - began) / 0.1
        assert fake.count("ListTrainingJobs") - since <= 2 * (polls + 1)
        assert fake.count("DescribeTrainingJob") == described
        tasks.cancel_scope.cancel()
    for operation, asked, _ in fake.calls:
        if operation == "ListTrainingJobs":
            assert asked["MaxResults"] == 100
            assert asked["StatusEquals"] in {"InProgress", "Stopping"}
            assert "LastModifiedTimeAfter" not in asked


async def test_a_listing_of_a_full_account_has_an_end(
    runners: Runners, fake: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs beyond its last page are described."""
    monkeypatch.setattr(jobs, "MAX_PAGES", 2)
    fake.list_page = 5
    async with runners() as one:
        first = submission()
        run = await one.submit(first)
        for _ in range(30):
            await one.submit(submission())
        ends: list[RunStatus] = []

        async def watch() -> None:
            ends.append(await end_of(run))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch)
            await until(lambda: fake.count("ListTrainingJobs") >= 2)
            job_of(fake, first).become("Completed")
    assert ends[0].state is RunState.FINISHED


async def test_without_the_right_to_list_runs_are_described(
    made: SageMakerRunner, fake: FakeAws, caplog: pytest.LogCaptureFixture
) -> None:
    fake.denied.add("ListTrainingJobs")
    one = submission()
    run = await made.submit(one)
    ends: list[RunStatus] = []

    async def watch() -> None:
        ends.append(await end_of(run))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        await until(lambda: "each run is described" in caplog.text)
        job_of(fake, one).become("Completed")
    assert ends[0].state is RunState.FINISHED


async def test_steps_are_told_with_sagemakers_own_words(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    one = submission()
    run = await made.submit(one)
    job = job_of(fake, one)
    status = await run.status()
    seen = [status]
    said = "Insufficient capacity error from EC2 while launching instances, retrying!"
    for main, secondary, message in (
        ("InProgress", "LaunchingMLInstances", said),
        ("InProgress", "Training", "Training image download completed."),
        ("Stopping", "Stopping", ""),
        ("Completed", "Completed", ""),
    ):
        job.become(main, secondary, said=message)
        status = await run.changed(status)
        seen.append(status)
    assert [one.state for one in seen[:4]] == ["starting", "starting", "running", "running"]
    assert (seen[1].placed, seen[1].message) == (False, f"LaunchingMLInstances: {said}")
    assert str(seen[3].message).startswith("stopping since ")
    assert seen[4].state is RunState.FINISHED


async def test_the_reason_of_a_stop_is_stored_before_it_is_done(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    one = submission("/bin/sh", "-c", "sleep 600")
    run = await made.submit(one)
    await run.cancel(5)
    asked = [operation for operation, _, _ in fake.calls]
    assert asked.index("AddTags") < asked.index("StopTrainingJob")
    assert job_of(fake, one).tags[jobs.STOPPED_BY] == "test"
    assert (await run.status()).message == "It was stopped by launchkit."


async def test_a_stop_whose_reason_cannot_be_stored_is_done_all_the_same(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    fake.denied.add("AddTags")
    run = await made.submit(submission("/bin/sh", "-c", "sleep 600"))
    await run.cancel(5)
    assert (await run.status()).state is RunState.STOPPED


async def test_a_stop_from_the_console_is_nobodys_of_ours(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    one = submission()
    run = await made.submit(one)
    job_of(fake, one).become("Stopped")
    end = await end_of(run)
    assert end.state is RunState.STOPPED
    assert "somebody else" in str(end.message)


async def test_a_job_that_is_stopping_for_long_is_neither_lost_nor_stopped_twice(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    one = submission()
    run = await made.submit(one)
    with anyio.move_on_after(0.5) as given_up:
        await run.cancel(0)
    assert given_up.cancelled_caught
    status = await run.status()
    assert (status.state, str(status.message)[:15]) == (RunState.RUNNING, "stopping since ")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run.cancel, 0)
        found = await made.attach(run.ref)
        tasks.start_soon(found.cancel, 0)
        await anyio.wait_all_tasks_blocked()
        job_of(fake, one).become("Stopped")
    assert fake.count("StopTrainingJob") == 1
    assert (await found.status()).state is RunState.STOPPED


async def test_a_right_that_is_missing_to_stop_is_told(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    fake.denied.add("StopTrainingJob")
    run = await made.submit(submission())
    with pytest.raises(LaunchError, match="StopTrainingJob") as caught:
        await run.cancel(0)
    assert "launchkit doctor" in str(caught.value.hint)


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
        while not runs:
            await one.prepare(blocked, out)
            with suppress(NotYet):
                runs.append(await one.submit(blocked))

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


async def test_a_name_that_others_have_is_refused(made: SageMakerRunner, fake: FakeAws) -> None:
    theirs = submission(args=config(TrainingJobName="train"))
    await made.submit(theirs)
    with pytest.raises(SubmitError, match="the name train is taken by another training job"):
        await made.submit(submission(args=config(TrainingJobName="train")))
    fake.jobs["plain"] = Job({"TrainingJobName": "plain"}, {})
    with pytest.raises(SubmitError, match="the name plain is taken"):
        await made.submit(submission(args=config(TrainingJobName="plain")))


async def test_an_answer_that_is_lost_makes_one_job(made: SageMakerRunner, fake: FakeAws) -> None:
    """Known by its tags, or by its variables where tags may not be read."""
    for denied in (set[str](), {"ListTags"}):
        fake.denied = denied
        one = submission()
        launch = one.launch
        env = {"LAUNCHKIT_ITEM_ID": launch.item_id, "LAUNCHKIT_ATTEMPT": "1"} if denied else {}
        fake.lost.append("CreateTrainingJob")
        run = await made.submit(replace(one, env=env))
        assert run.ref == made.ref_of(one)
    assert len(fake.jobs) == 2


async def test_a_refusal_is_told_in_sagemakers_own_words(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    fake.denied.add("CreateTrainingJob")
    with pytest.raises(SubmitError, match="not authorized to perform") as caught:
        await made.submit(submission())
    assert "iam:PassRole" in str(caught.value.hint)


async def test_jobs_of_others_and_of_other_regions_are_not_attached_to(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    fake.jobs["theirs"] = Job({"TrainingJobName": "theirs"}, {})
    with pytest.raises(RunLost, match="is not a run's"):
        await made.attach(f"{REGION}/theirs")
    with pytest.raises(LaunchError, match="in eu-west-1, and this agent's are in us-east-1"):
        await made.attach("eu-west-1/theirs")


async def test_its_author_is_told_where_to_look(made: SageMakerRunner, fake: FakeAws) -> None:
    one = replace(submission(), env={"TOKEN": Secret("hidden")})
    out = RecordingOutput()
    for _ in range(2):
        await made.prepare(one, out)
    name = name_of(one)
    link = f"https://{REGION}.console.aws.amazon.com/sagemaker/home?region={REGION}#/jobs/{name}"
    assert out.marks == [
        "who may describe the training job reads its variables: TOKEN",
        f"training job {name}: {link}",
        f"its log: group /aws/sagemaker/TrainingJobs, streams {name}/…",
    ]


async def test_spot_without_checkpoints_and_another_image_are_told_before(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    own = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/own:1"
    spot = config(
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 1},
        AlgorithmSpecification={"TrainingImage": own},
    )
    out = RecordingOutput()
    await made.prepare(submission(args=spot), out)
    assert out.marks[0].startswith("EnableManagedSpotTraining without CheckpointConfig")
    assert out.marks[1].startswith(f"the queue config runs {own}, not the job's")


async def test_only_a_bare_role_asks_whose_account_it_is(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    await made.prepare(submission(), RecordingOutput())
    assert fake.count("GetCallerIdentity") == 0
    bare = submission(args=config(RoleArn="train"))
    for _ in range(2):
        await made.prepare(bare, RecordingOutput())
    await made.submit(bare)
    assert fake.count("GetCallerIdentity") == 1
    wanted = f"arn:aws:iam::{ACCOUNT}:role/train"
    assert job_of(fake, bare).request["RoleArn"] == wanted
    assert made.render(bare)["RoleArn"] == wanted


async def test_a_runner_needs_an_environment_or_a_region(tmp_path: Path, fake: FakeAws) -> None:
    async with site_at(tmp_path) as site:
        with pytest.raises(ConfigError, match=r"needs environment: \{type: aws\}"):
            async with started(SageMakerRunner(), site):
                pass
    environment = AwsEnvironment(region=REGION)
    async with site_at(tmp_path, environment=environment) as site:
        async with started(environment, site), started(SageMakerRunner(), site) as one:
            finding, rights = await one.check()
            assert (rights.level, "may do all 8 actions" in rights.message) == ("ok", True)
            assert (finding.level, finding.message) == ("ok", f"answers, for account {ACCOUNT}")
        async with started(environment, site), started(runner(region="eu-west-1"), site) as one:
            assert one.ref_of(submission()).startswith("eu-west-1/")


async def test_a_check_names_the_right_that_is_missing(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    fake.denied.add("ListTrainingJobs")
    (finding,) = await made.check()
    assert finding.level == "error"
    assert "not authorized to perform: ListTrainingJobs" in finding.message


async def test_a_check_with_credentials_that_have_expired_says_so_soon(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    fake.expired.add("ann")
    (finding,) = await made.check()
    assert finding.level == "error"
    assert "ExpiredToken" in finding.message
    assert "aws sts get-caller-identity" in str(finding.hint)


async def test_a_check_of_a_place_that_is_away_says_so_soon(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    fake.throttled = 1.0
    (finding,) = await made.check()
    assert (finding.level, "asked too much" in finding.message) == ("error", True)


async def test_a_check_of_a_queue_tells_whether_its_role_may_be_given(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    (fine,) = await made.check_queue(config(RoleArn="train"))
    assert fine.level == "ok"
    assert not await made.check_queue(config(RoleArn="{{role}}"))
    fake.denied.add("PassRole")
    (lacking,) = await made.check_queue(config(RoleArn="other"))
    assert lacking.level == "warning"
    assert f'"Resource": "arn:aws:iam::{ACCOUNT}:role/other"' in str(lacking.hint)
    assert '{"iam:PassedToService": "sagemaker.amazonaws.com"}' in str(lacking.hint)


async def test_a_check_prints_the_statements_that_its_policy_lacks(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    fake.denied |= {"StopTrainingJob", "GetLogEvents"}
    _, rights = await made.check()
    assert rights.level == "warning"
    assert f'"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/*"' in str(rights.hint)
    assert '"Action": ["sagemaker:StopTrainingJob"]' in str(rights.hint)
    assert '"Action": ["logs:GetLogEvents"]' in str(rights.hint)


async def test_an_agent_keeps_to_its_rate(runners: Runners, fake: FakeAws) -> None:
    async with runners(api_rate=20, poll_seconds=0.05) as one:
        began = anyio.current_time()
        runs = [await one.submit(submission()) for _ in range(60)]
        async with anyio.create_task_group() as tasks:
            for run in runs:
                tasks.start_soon(run.status)
        seconds = anyio.current_time() - began
    asked = Counter(operation for operation, _, _ in fake.calls)
    for operation in ("CreateTrainingJob", "DescribeTrainingJob"):
        assert asked[operation] <= 40 + 20 * seconds + 1
