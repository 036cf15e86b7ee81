"""What runs of Vertex AI do when the service is slow, full, away, or says something twice."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from launchkit_gcp.environment import GcpEnvironment
from launchkit_gcp.vertex.runner import VertexRunner

from launchkit.abc import Run
from launchkit.aio.retry import Backoff
from launchkit.errors import ConfigError, LaunchError, NotYet, RunLost, SubmitError
from launchkit.model import RunState, RunStatus, Secret, Submission
from launchkit.runners import quotas
from launchkit.testing import RecordingOutput, end_of, site_at, started, until

from .beside import BUCKET, NUMBER, PROJECT, REGION, TOKEN
from .fake import PARENT, FakeVertex, Job, S
from .making import ACCOUNT, config, endpoints, pool, runner, submission

Runners = Callable[..., AbstractAsyncContextManager[VertexRunner]]


@pytest.fixture
def runners(tmp_path: Path, fake: FakeVertex) -> Runners:
    """Starts runners, each with a site of its own."""

    @asynccontextmanager
    async def runners(**settings: Any) -> AsyncIterator[VertexRunner]:
        async with AsyncExitStack() as stack:
            site = await stack.enter_async_context(site_at(tmp_path / "site"))
            yield await stack.enter_async_context(started(runner(fake, **settings), site))

    return runners


@pytest.fixture
async def made(runners: Runners) -> AsyncIterator[VertexRunner]:
    """A started runner."""
    async with runners() as one:
        yield one


def job_of(fake: FakeVertex, one: Submission) -> Job:
    """The one job of a submission."""
    (job,) = fake.of_run(one.launch.run_id)
    return job


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
        while not runs:
            await one.prepare(blocked, out)
            with suppress(NotYet):
                runs.append(await one.submit(blocked))

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


async def test_a_thousand_runs_are_watched_with_one_listing(
    runners: Runners, fake: FakeVertex
) -> None:
    async with runners(poll_seconds=1.0) as one:
        runs: list[Run] = []
        ones = [submission() for _ in range(1000)]

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
        assert [status.state for status in seen] == [RunState.RUNNING] * 1000
        assert asked["ListCustomJobs"] <= 3 * 10
        assert asked["GetCustomJob"] <= 1000, "those that no listing had told of yet"


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
    with pytest.raises(LaunchError, match="a run in other, and this agent's are in my-project"):
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


@pytest.mark.parametrize(
    ("location", "told"),
    [
        (("us-east1", "region"), "is in us-east1"),
        (("us", "multi-region"), "is in us, a multi-region"),
        (("", ""), f"there is no bucket {BUCKET}"),
    ],
)
async def test_a_staging_bucket_that_is_elsewhere_is_refused_before(
    made: VertexRunner, fake: FakeVertex, location: tuple[str, str], told: str
) -> None:
    fake.location = location
    with pytest.raises(SubmitError, match=re.escape(told)):
        await made.prepare(submission(), RecordingOutput())
    assert not fake.jobs


async def test_a_runner_needs_an_environment_or_a_place(tmp_path: Path, fake: FakeVertex) -> None:
    async with site_at(tmp_path / "one") as site:
        with pytest.raises(ConfigError, match=r"needs environment: \{type: gcp\}"):
            async with started(VertexRunner(region=REGION), site):
                pass
    urls = endpoints(fake.grpc_url, fake.http_url)
    environment = GcpEnvironment(project=PROJECT, region=REGION, endpoint_urls=urls)
    async with site_at(tmp_path / "two", environment=environment) as site:
        async with started(environment, site), started(VertexRunner(), site) as one:
            finding, rights = await one.check()
            assert (rights.level, "has all 5 permissions" in rights.message) == ("ok", True)
            assert (finding.level, finding.message) == ("ok", f"answers, for project {PROJECT}")
        other = VertexRunner(region="europe-west4")
        async with started(environment, site), started(other, site) as one:
            assert one.ref_of(submission()).startswith(f"{PROJECT}/europe-west4/")


async def test_a_check_prints_the_command_that_grants_what_is_lacking(
    made: VertexRunner, fake: FakeVertex
) -> None:
    fake.lacking |= {"aiplatform.customJobs.cancel", "logging.logEntries.list"}
    _, jobs, logs = await made.check()
    assert (jobs.level, logs.level) == ("warning", "warning")
    assert "aiplatform.customJobs.cancel" in jobs.message
    member = f"--member=serviceAccount:{ACCOUNT}"
    grant = f"gcloud projects add-iam-policy-binding {PROJECT} {member}"
    assert f"{grant} --role=roles/aiplatform.user" in str(jobs.hint)
    assert f"{grant} --role=roles/logging.viewer" in str(logs.hint)


async def test_a_check_of_a_service_that_is_away_says_so_soon(
    made: VertexRunner, fake: FakeVertex
) -> None:
    fake.away.add("ListCustomJobs")
    (finding,) = await made.check()
    assert (finding.level, "currently unavailable" in finding.message) == ("error", True)


async def test_a_check_of_a_queue_looks_at_its_bucket_and_its_account(
    made: VertexRunner, fake: FakeVertex
) -> None:
    args = config(run={"service_account": ACCOUNT})
    bucket, account = await made.check_queue(args)
    assert (bucket.level, account.level) == ("ok", "ok")
    fake.location = ("us", "multi-region")
    bucket, _ = await made.check_queue(args)
    assert (bucket.level, "multi-region" in bucket.message) == ("error", True)
    assert not await made.check_queue(config(staging_bucket="{{bucket}}"))
    fake.lacking.add("iam.serviceAccounts.actAs")
    _, account = await made.check_queue(config(run={"service_account": f"x-{ACCOUNT}"}))
    assert "roles/iam.serviceAccountUser" in str(account.hint)


async def test_a_check_looks_whether_vertex_ai_itself_may_pull_from_another_project(
    made: VertexRunner, fake: FakeVertex
) -> None:
    """The account that a job is pulls no images."""
    image = f"{REGION}-docker.pkg.dev/other/launch/train:1"
    args = config(worker_pool_specs=[pool(container_spec={"image_uri": image})])
    _, lacking = await made.check_queue(args)
    agent = f"serviceAccount:service-{NUMBER}@gcp-sa-aiplatform-cc.iam.gserviceaccount.com"
    assert lacking.level == "warning"
    assert f"--project=other --member={agent} --role=roles/artifactregistry.reader" in str(
        lacking.hint
    )
    fake.bindings.append({"role": "roles/artifactregistry.reader", "members": [agent]})
    _, fine = await made.check_queue(args)
    assert fine.level == "ok"


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
    one = submission("train", "--lr", "1")
    await made.submit(one)
    rendered = made.render(one)
    sent = job_of(fake, one).view
    assert rendered["display_name"] == sent.display_name
    assert rendered["labels"] == dict(sent.labels)
    assert sent.name.startswith(f"{PARENT}/customJobs/")
