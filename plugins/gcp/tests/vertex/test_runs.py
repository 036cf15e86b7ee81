"""What runs of Vertex AI do when the service is slow, full, away, or says something twice."""

from collections import Counter
from dataclasses import replace

import anyio
import pytest
from launchkit_gcp.vertex.api import PAGE
from launchkit_gcp.vertex.runner import VertexRunner
from sampling import EACH_NTH

from launchkit.abc import Run
from launchkit.errors import Elsewhere, LaunchError, RunLost, SubmitError
from launchkit.model import RunState, RunStatus, Secret, Submission
from launchkit.testing import RecordingOutput, end_of, until

from .beside import BUCKET, PROJECT, REGION
from .fake import PARENT, FakeVertex, S
from .making import Runners, config, job_of, pool, submission

MANY = 12 * PAGE // EACH_NTH


async def test_a_run_goes_through_the_states_of_its_job(
    made: VertexRunner, fake: FakeVertex
) -> None:
    one = submission()
    run = await made.submit(one)
    job, seen = job_of(fake, one), [await run.status()]
    for state in (S.JOB_STATE_PENDING, S.JOB_STATE_RUNNING, S.JOB_STATE_UPDATING,
                  S.JOB_STATE_SUCCEEDED):  # fmt: skip
        with fake.lock:
            job.become(state)
        seen.append(await run.changed(seen[-1]))
    states = [one.state for one in seen]
    assert states == ["starting", "starting", "running", "running", "finished"]
    assert [one.placed for one in seen[:2]] == [False, True]


async def test_one_submission_has_one_job_whoever_submits_it(
    made: VertexRunner, fake: FakeVertex
) -> None:
    one = submission()
    runs: list[Run] = []

    async def submit() -> None:
        runs.append(await made.submit(one))

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(submit)
    assert {run.ref for run in runs} == {made.ref_of(one)}
    assert fake.count("CreateCustomJob") == 1
    again = replace(one, launch=replace(one.launch, attempt=2))
    await made.submit(again)
    assert fake.count("CreateCustomJob") == 2


async def test_a_job_of_another_run_that_has_the_same_other_labels_is_none_of_its(
    made: VertexRunner, fake: FakeVertex
) -> None:
    others = submission()
    one = replace(others, launch=replace(others.launch, run_id="mine"))
    other, run = await made.submit(others), await made.submit(one)
    assert other.ref == run.ref
    await made.require_own(run.ref, one.launch.which)
    found = await made.attach(run.ref)
    with fake.lock:
        job_of(fake, one).become(S.JOB_STATE_RUNNING)
    states = [(await each.status()).state for each in (run, found, other)]
    assert states == [RunState.RUNNING, RunState.RUNNING, RunState.STARTING]
    assert fake.count("CancelCustomJob") == 0


async def test_an_answer_that_is_lost_makes_one_job(made: VertexRunner, fake: FakeVertex) -> None:
    fake.lost.append("CreateCustomJob")
    one = submission()
    run = await made.submit(one)
    assert run.ref == made.ref_of(one)
    assert job_of(fake, one).state is S.JOB_STATE_QUEUED


async def test_a_job_that_is_listed_late_is_the_one_that_counts(
    made: VertexRunner, fake: FakeVertex
) -> None:
    """Its answer was lost, and no listing has it yet: a second one is made, and is given up as
    soon as the first is seen.
    """
    fake.lost.append("CreateCustomJob")
    fake.hidden_seconds = 3.0
    one = submission()
    run = await made.submit(one)
    first, second = fake.of_run(one.launch.run_id)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(end_of, run)
        await until(lambda: second.state is S.JOB_STATE_CANCELLING)
        assert first.state is S.JOB_STATE_QUEUED
        with fake.lock:
            second.become(S.JOB_STATE_CANCELLED)
            first.become(S.JOB_STATE_SUCCEEDED)
    assert (await run.status()).state is RunState.FINISHED


async def test_with_a_third_of_all_requests_refused_each_run_has_its_end(
    made: VertexRunner, fake: FakeVertex
) -> None:
    fake.throttled = 0.3
    ones = [submission("/bin/sh", "-c", f"exit {number % 3}") for number in range(20)]
    ends: dict[str, RunStatus] = {}

    async def live(one: Submission) -> None:
        run = await made.submit(one)
        ends[one.name] = await end_of(run)

    async with anyio.create_task_group() as tasks:
        for one in ones:
            tasks.start_soon(live, one)
    assert [ends[one.name].exit_code for one in ones] == [number % 3 for number in range(20)]
    assert set(fake.starts.values()) == {1}


async def test_many_hundred_runs_are_watched_with_one_listing(
    runners: Runners, fake: FakeVertex
) -> None:
    async with runners(poll_seconds=1.0) as one:
        runs: list[Run] = []
        ones = [submission() for _ in range(MANY)]

        async def submit(part: list[Submission]) -> None:
            runs.extend([await one.submit(each) for each in part])

        async with anyio.create_task_group() as tasks:
            for number in range(8):
                tasks.start_soon(submit, ones[number::8])
        with fake.lock:
            for job in fake.jobs.values():
                job.become(S.JOB_STATE_RUNNING)
        before = Counter(operation for operation, _ in fake.calls)
        seen: list[RunStatus] = []

        async def watch(run: Run) -> None:
            status = RunStatus(state=RunState.STARTING)
            while status.state is RunState.STARTING:
                status = await run.changed(status)
            seen.append(status)

        async with anyio.create_task_group() as tasks:
            for run in runs:
                tasks.start_soon(watch, run)
        asked = Counter(operation for operation, _ in fake.calls) - before
        assert [status.state for status in seen] == [RunState.RUNNING] * MANY
        assert asked["ListCustomJobs"] <= 3 * MANY / PAGE
        assert asked["GetCustomJob"] <= MANY, "those that no listing had told of yet"


async def test_a_cancel_waits_until_the_job_has_ended(made: VertexRunner, fake: FakeVertex) -> None:
    one = submission()
    run = await made.submit(one)
    job = job_of(fake, one)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run.cancel, 0)
        again = await made.attach(run.ref)
        tasks.start_soon(again.cancel, 0)
        await until(lambda: fake.count("CancelCustomJob") > 0)
        status = await run.status()
        assert (status.state, status.message) == (RunState.RUNNING, "cancelling")
        with fake.lock:
            job.become(S.JOB_STATE_CANCELLED)
    assert fake.count("CancelCustomJob") <= 2
    assert (await again.status()).state is RunState.STOPPED


async def test_a_right_that_is_missing_to_cancel_is_told(
    made: VertexRunner, fake: FakeVertex
) -> None:
    fake.denied.add("CancelCustomJob")
    run = await made.submit(submission())
    with pytest.raises(LaunchError, match="CancelCustomJob") as caught:
        await run.cancel(0)
    assert "launchkit doctor" in str(caught.value.hint)


async def test_a_refusal_is_told_in_the_services_own_words(
    made: VertexRunner, fake: FakeVertex
) -> None:
    fake.denied.add("CreateCustomJob")
    with pytest.raises(SubmitError, match="denied on resource") as caught:
        await made.submit(submission())
    assert "run.service_account" in str(caught.value.hint)
    fake.denied.clear()
    args = config(worker_pool_specs=[pool(machine_spec={})])
    with pytest.raises(SubmitError, match="machine_type is missing"):
        await made.submit(submission(args=args))


async def test_jobs_of_others_and_of_other_places_are_not_attached_to(
    made: VertexRunner, fake: FakeVertex
) -> None:
    with pytest.raises(RunLost, match="has no job of the run"):
        await made.attach(f"{PROJECT}/{REGION}/other/1")
    with pytest.raises(RunLost, match="is not the name of a run"):
        await made.attach("../../etc")
    with pytest.raises(Elsewhere, match="a run in other, and this agent's are in my-project"):
        await made.attach(f"other/{REGION}/i1/1")


async def test_a_job_that_was_deleted_is_lost(made: VertexRunner, fake: FakeVertex) -> None:
    run = await made.submit(submission())
    fake.jobs.clear()
    with pytest.raises(RunLost, match="has no job"):
        await run.status()


async def test_its_author_is_told_where_to_look(made: VertexRunner, fake: FakeVertex) -> None:
    one = replace(submission(args=config(run={"sync": True})), env={"TOKEN": Secret("hidden")})
    out = RecordingOutput()
    for _ in range(2):
        await made.prepare(one, out)
    link = f"https://console.cloud.google.com/vertex-ai/training/custom-jobs?project={PROJECT}"
    assert out.marks == [
        "run.sync says how a program waits for its job, and is not used",
        "who may look at the job reads its variables: TOKEN",
        f"{link} has its job, 'run', in {REGION}",
    ]


async def test_where_a_region_has_no_machines_the_next_attempt_goes_elsewhere(
    made: VertexRunner, fake: FakeVertex
) -> None:
    east = {"location": "us-east1", "staging_bucket": BUCKET}
    first = submission(args=config() | {"fallback": [east]})
    run = await made.submit(first)
    with fake.lock:
        said = "Resources are insufficient in region: us-central1."
        job_of(fake, first).become(S.JOB_STATE_FAILED, said, 8)
    end = await end_of(run)
    assert end.state is RunState.PREEMPTED
    second = replace(first, launch=replace(first.launch, attempt=2))
    fake.location = ("us-east1", "region")
    await made.prepare(second, RecordingOutput())
    other = await made.submit(second)
    assert other.ref == made.ref_of(second)
    assert "/us-east1/" in other.ref
    assert (await (await made.attach(other.ref)).status()).state is RunState.STARTING
    job = next(one for one in fake.jobs.values() if "us-east1" in one.view.name)
    with fake.lock:
        job.become(S.JOB_STATE_SUCCEEDED)
    assert (await end_of(other)).state is RunState.FINISHED


async def test_what_is_rendered_is_what_is_sent(made: VertexRunner, fake: FakeVertex) -> None:
    one = submission("true", "--lr", "1")
    await made.submit(one)
    rendered = made.render(one)
    sent = job_of(fake, one).view
    assert rendered["display_name"] == sent.display_name
    assert rendered["labels"] == dict(sent.labels)
    assert sent.name.startswith(f"{PARENT}/customJobs/")
