"""The log of a custom job, from all of its machines."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Any

import anyio
import pytest
from launchkit_gcp.vertex import log_reader
from launchkit_gcp.vertex.log_entries import entry_of, nanoseconds, time_text
from launchkit_gcp.vertex.runner import VertexRunner

from launchkit.abc import Run
from launchkit.testing import site_at, started, until

from .fake import FakeVertex, Job, S
from .making import config, pool, runner, submission

ENTRIES = "POST /v2/entries:list"


@pytest.fixture
async def made(tmp_path: Path, fake: FakeVertex) -> AsyncIterator[VertexRunner]:
    """A started runner."""
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(site_at(tmp_path / "site"))
        yield await stack.enter_async_context(started(runner(fake), site))


async def training(made: VertexRunner, fake: FakeVertex, **spec: Any) -> tuple[Run, Job]:
    """A job whose life the test tells."""
    one = submission(args=config(**spec))
    run = await made.submit(one)
    (job,) = fake.of_run(one.launch.run_id)
    end(fake, job, S.JOB_STATE_RUNNING)
    return run, job


def end(fake: FakeVertex, job: Job, state: Any = S.JOB_STATE_SUCCEEDED) -> None:
    """Change a job."""
    with fake.lock:
        job.become(state)


async def whole(run: Run, offset: int = 0) -> str:
    """All of its log."""
    return b"".join([chunk.data async for chunk in run.logs(offset)]).decode()


async def test_pages_are_read_by_their_tokens(made: VertexRunner, fake: FakeVertex) -> None:
    run, job = await training(made, fake)
    fake.log_page = 7
    for number in range(100):
        fake.print(job, f"line {number}")
    end(fake, job)
    assert await whole(run) == "".join(f"line {number}\n" for number in range(100))
    assert await whole(run, 7) == "".join(f"line {number}\n" for number in range(100))[7:]


async def test_many_lines_of_one_time_are_each_given_once(
    made: VertexRunner, fake: FakeVertex
) -> None:
    run, job = await training(made, fake)
    fake.log_page = 5
    at = time.time()
    for number in range(100):
        fake.print(job, f"line {number}", at=at)
    end(fake, job)
    assert await whole(run) == "".join(f"line {number}\n" for number in range(100))


async def test_a_line_that_comes_late_stands_in_its_order(
    made: VertexRunner, fake: FakeVertex
) -> None:
    run, job = await training(made, fake)
    now = time.time()
    fake.print(job, "second", at=now + 0.05)
    async with aclosing(run.logs(0)) as chunks:
        fake.print(job, "first", at=now)
        said = (await anext(chunks)).data
        end(fake, job)
        async for chunk in chunks:
            said += chunk.data
    assert said == b"first\nsecond\n"


async def test_lines_of_several_machines_have_one_order_and_tell_whose_they_are(
    made: VertexRunner, fake: FakeVertex
) -> None:
    run, job = await training(
        made, fake, worker_pool_specs=[pool(), pool(replica_count=2)], display_name="two"
    )
    now = time.time()
    for number in range(3):
        for machine in ("workerpool0-0", "workerpool1-0", "workerpool1-1"):
            fake.print(job, f"line {number}", machine=machine, at=now + number / 1000)
    end(fake, job)
    said = (await whole(run)).splitlines()
    assert said[:3] == [
        "[workerpool0-0] line 0",
        "[workerpool1-0] line 0",
        "[workerpool1-1] line 0",
    ]
    assert len(said) == 9


async def test_the_logs_of_all_runs_cost_one_query_a_look(
    made: VertexRunner, fake: FakeVertex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_reader, "BURST", 1.0)
    made.log_rate = 10.0
    trainings = [await training(made, fake) for _ in range(50)]
    for number, (_, job) in enumerate(trainings):
        fake.print(job, f"line {number}")
    logs: dict[int, str] = {}

    async def read(number: int, run: Run) -> None:
        logs[number] = await whole(run)

    began = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        for number, (run, _) in enumerate(trainings):
            tasks.start_soon(read, number, run)
        await until(lambda: fake.count(ENTRIES) > 5)
        for _, job in trainings:
            end(fake, job)
    seconds = anyio.current_time() - began
    assert logs == {number: f"line {number}\n" for number in range(50)}
    assert fake.count(ENTRIES) <= 10 * seconds + 2
    largest = max(body.count(b"OR") for asked, body in fake.calls if asked == ENTRIES)
    assert largest > 25


async def test_one_who_reads_an_old_log_does_not_make_others_read_it(
    made: VertexRunner, fake: FakeVertex
) -> None:
    fake.log_seconds = 0.0  # what was printed long ago is there
    old, old_job = await training(made, fake)
    new, new_job = await training(made, fake)
    with fake.lock:
        old_job.view.create_time = old_job.view.create_time.replace(year=2020)
    old = await made.attach(old.ref)
    fake.print(new_job, "new")
    fake.print(old_job, "old", at=old_job.view.create_time.timestamp())
    end(fake, new_job)
    end(fake, old_job)
    assert (await whole(old), await whole(new)) == ("old\n", "new\n")
    asked = [json.loads(body)["filter"] for name, body in fake.calls if name == ENTRIES]
    assert not [one for one in asked if new_job.number in one and 'timestamp>="20' not in one]
    assert not [one for one in asked if new_job.number in one and old_job.number in one]


async def test_trouble_with_cloud_logging_passes(
    made: VertexRunner, fake: FakeVertex, caplog: pytest.LogCaptureFixture
) -> None:
    run, job = await training(made, fake)
    fake.print(job, "one")
    end(fake, job)
    fake.away.add("entries")
    async with anyio.create_task_group() as tasks:

        async def come_back() -> None:
            await until(lambda: "Cloud Logging" in caplog.text)
            fake.away.clear()

        tasks.start_soon(come_back)
        assert await whole(run) == "one\n"


async def test_a_log_that_may_not_be_read_ends_with_its_run(
    made: VertexRunner, fake: FakeVertex, caplog: pytest.LogCaptureFixture
) -> None:
    run, job = await training(made, fake)
    fake.denied.add("entries")
    end(fake, job)
    assert await whole(run) == ""
    assert f"the log of job {job.number} cannot be read" in caplog.text
    assert "launchkit doctor" in caplog.text


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ({"jsonPayload": {"message": "said\n"}}, "said"),
        ({"jsonPayload": {"loss": 0.5}}, '{"loss": 0.5}'),
        ({"textPayload": "plain"}, "plain"),
        ({}, ""),
    ],
)
def test_an_entry_is_a_line(payload: dict[str, Any], text: str) -> None:
    told = {"timestamp": "2026-01-02T03:04:05.6Z", "insertId": "a", **payload}
    labels = {"job_id": "42", "task_name": "workerpool0-0"}
    found = entry_of({**told, "resource": {"labels": labels}})
    assert found is not None
    assert (found.job, found.machine, found.text) == ("42", "workerpool0-0", text)


@pytest.mark.parametrize("told", [{}, {"timestamp": "now"}, {"resource": []}])
def test_what_is_no_entry_of_a_job_is_none(told: dict[str, Any]) -> None:
    assert entry_of({"timestamp": "2026-01-02T03:04:05Z", **told}) is None


def test_times_are_exact_to_the_nanosecond() -> None:
    at = nanoseconds("2026-01-02T03:04:05.000000007Z")
    assert at is not None
    assert time_text(at) == "2026-01-02T03:04:05.000000007Z"
    assert nanoseconds("2026-01-02") is None


@pytest.mark.parametrize("odd", ["2026-01-00", "2026-13-01", "2026-02-30", "0000-01-01"])
def test_what_no_calendar_has_is_no_time(odd: str) -> None:
    assert nanoseconds(f"{odd}T00:00:00Z") is None


@pytest.mark.parametrize("year", ["0001", "0999", "9999"])
def test_a_time_of_any_year_is_written_as_it_is_read(year: str) -> None:
    at = nanoseconds(f"{year}-01-02T03:04:05Z")
    assert at is not None
    assert time_text(at) == f"{year}-01-02T03:04:05.000000000Z"
