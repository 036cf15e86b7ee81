"""Training jobs from their preparation to their end, with what users of other submitters met."""

from collections import Counter
from dataclasses import replace

import anyio
import pytest
from launchkit_aws.sagemaker import jobs
from launchkit_aws.sagemaker.runner import SageMakerRunner
from sampling import EACH_NTH

from launchkit.abc import Run
from launchkit.errors import Elsewhere, LaunchError, RunLost, SubmitError
from launchkit.model import RunState, RunStatus, Secret, Submission
from launchkit.testing import RecordingOutput, end_of, until

from .fake import REGION, FakeAws, Job
from .making import Runners, config, job_of, name_of, submission

RUNS = 1200 // EACH_NTH
POLL_SECONDS = 1.0


ENDS: tuple[tuple[str, str, str, RunState, str], ...] = (
    ("Completed", "Completed", "", RunState.FINISHED, "ok"),
    ("Failed", "Failed", "AlgorithmError: , exit code: 4", RunState.FAILED, "user_exit"),
    ("Stopped", "MaxRuntimeExceeded", "", RunState.FAILED, "run_timeout"),
    ("Failed", "Failed", "CapacityError: Unable to provision", RunState.PREEMPTED, "preempted"),
    ("Stopped", "Stopped", "", RunState.STOPPED, "stopped"),
)


async def test_many_hundred_runs_are_judged_right_although_three_of_ten_answers_are_throttled(
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


async def test_a_name_that_others_have_is_refused(made: SageMakerRunner, fake: FakeAws) -> None:
    theirs = submission(args=config(TrainingJobName="train"))
    await made.submit(theirs)
    with pytest.raises(SubmitError, match="the name train is taken by another training job"):
        await made.submit(submission(args=config(TrainingJobName="train")))
    own = submission(args=config(TrainingJobName="other"))
    await made.submit(replace(own, launch=replace(own.launch, run_id="r2")))
    with pytest.raises(SubmitError, match="the name other is taken"):
        await made.submit(own)
    fake.jobs["plain"] = Job({"TrainingJobName": "plain"}, {})
    with pytest.raises(SubmitError, match="the name plain is taken"):
        await made.submit(submission(args=config(TrainingJobName="plain")))


async def test_an_answer_that_is_lost_makes_one_job(made: SageMakerRunner, fake: FakeAws) -> None:
    """Known by its tags, or by its variables where tags may not be read."""
    for denied in (set[str](), {"ListTags"}):
        fake.denied = denied
        one = submission()
        which = {"RUN_ID": one.launch.run_id, "ITEM_ID": one.launch.item_id, "ATTEMPT": "1"}
        env = {f"LAUNCHKIT_{key}": value for key, value in which.items()} if denied else {}
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
    with pytest.raises(Elsewhere, match="in eu-west-1, and this agent's are in us-east-1"):
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


@pytest.mark.parametrize("born", ["0001-01-01T00:00:00Z", "2026-11-30T00:00:00"])
async def test_a_job_that_was_created_at_no_time_keeps_no_other_from_being_heard_of(
    made: SageMakerRunner, fake: FakeAws, monkeypatch: pytest.MonkeyPatch, born: object
) -> None:
    odd, other = submission(), submission()
    runs = [await made.submit(one) for one in (odd, other)]
    described = Job.description
    odd_job = job_of(fake, odd)

    def description(self: Job) -> dict[str, object]:
        return described(self) | ({"CreationTime": born} if self is odd_job else {})

    monkeypatch.setattr(Job, "description", description)
    ends: list[RunStatus] = []

    async def wait_for_end(run: Run) -> None:
        ends.append(await end_of(run))

    async with anyio.create_task_group() as tasks:
        for run in runs:
            tasks.start_soon(wait_for_end, run)
        await until(lambda: fake.count("DescribeTrainingJob") >= len(runs))
        job_of(fake, other).become("Completed")
        await until(lambda: len(ends) > 0)
        tasks.cancel_scope.cancel()
    assert ends[0].state is RunState.FINISHED


async def test_times_of_steps_and_ends_that_no_clock_has_are_as_if_not_told(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    asked = submission()
    run, job = await made.submit(asked), job_of(fake, asked)
    job.become("Stopping")
    job.steps = [(word, "0001-01-01T00:00:00", said) for word, _, said in job.steps]  # type: ignore[misc]
    assert (await run.status()).message == "stopping: Stopping"
    job.become("Failed")
    job.ended = "9999-12-31T23:59:59-14:00"  # type: ignore[assignment]
    assert (await run.status()).ran is None
