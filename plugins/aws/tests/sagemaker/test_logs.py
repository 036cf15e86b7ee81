"""The log of a training job, from all of its machines."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Any

import anyio
import pytest
from launchkit_aws.sagemaker import logs as cloudwatch
from launchkit_aws.sagemaker.runner import SageMakerRunner

from launchkit.abc import Run
from launchkit.model import Submission
from launchkit.testing import site_at, started, until

from .fake import FakeAws, Job
from .making import config, name_of, runner, submission

TWO = {"InstanceType": "ml.m4.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 2}


@pytest.fixture
async def made(tmp_path: Path, fake: FakeAws) -> AsyncIterator[SageMakerRunner]:
    """A started runner."""
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(site_at(tmp_path / "site"))
        yield await stack.enter_async_context(started(runner(), site))


async def training(made: SageMakerRunner, fake: FakeAws, **fields: Any) -> tuple[Run, Job]:
    """A job whose life the test tells."""
    one: Submission = submission(args=config(**fields))
    run = await made.submit(one)
    job = fake.jobs[name_of(one)]
    job.become("InProgress", "Training")
    return run, job


async def whole(run: Run, offset: int = 0) -> str:
    """All of its log."""
    return b"".join([chunk.data async for chunk in run.logs(offset)]).decode()


async def test_pages_are_read_by_their_tokens(made: SageMakerRunner, fake: FakeAws) -> None:
    run, job = await training(made, fake)
    fake.log_page = 7
    for number in range(100):
        fake.print(f"{job.name}/algo-1-1", f"line {number}")
    job.become("Completed")
    assert await whole(run) == "".join(f"line {number}\n" for number in range(100))
    assert fake.count("GetLogEvents") <= 100 // 7 + 6


async def test_a_stream_that_is_not_there_yet_is_no_error(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    run, job = await training(made, fake)
    async with aclosing(run.logs(0)) as chunks:
        began = fake.count("DescribeLogStreams")
        async with anyio.create_task_group() as tasks:

            async def print_late() -> None:
                await until(lambda: fake.count("DescribeLogStreams") > began + 2)
                fake.print(f"{job.name}/algo-1-1", "late")

            tasks.start_soon(print_late)
            assert (await anext(chunks)).data == b"late\n"


async def test_a_silent_log_costs_one_request_a_look(made: SageMakerRunner, fake: FakeAws) -> None:
    run, job = await training(made, fake)
    fake.print(f"{job.name}/algo-1-1", "one")
    async with aclosing(run.logs(0)) as chunks, anyio.create_task_group() as tasks:
        await anext(chunks)
        looks = fake.count("GetLogEvents")
        asked = fake.count("DescribeLogStreams")

        async def end_later() -> None:
            await until(lambda: fake.count("GetLogEvents") >= looks + 3)
            assert fake.count("DescribeLogStreams") == asked
            job.become("Completed")

        tasks.start_soon(end_later)
        assert [chunk async for chunk in chunks] == []


async def test_streams_that_come_while_a_job_runs_are_found(
    made: SageMakerRunner, fake: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloudwatch, "LISTED_SECONDS", 0.1)
    run, job = await training(made, fake)
    fake.print(f"{job.name}/algo-1-1", "one")
    async with aclosing(run.logs(0)) as chunks:
        assert (await anext(chunks)).data == b"one\n"
        fake.print(f"{job.name}/algo-1-2", "two")
        assert (await anext(chunks)).data == b"two\n"


async def test_lines_of_two_machines_have_one_order_whoever_reads(
    made: SageMakerRunner, fake: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloudwatch, "HELD_MS", 300)
    fake.log_seconds = 0  # what was printed long ago is there
    run, job = await training(made, fake, ResourceConfig=TWO)
    now = time.time()
    for number in range(50):
        for host in (1, 2):
            at = now - 10 + number / 10 + host / 100
            fake.print(f"{job.name}/algo-{host}-1", f"line {number}", at=at)
    async with aclosing(run.logs(0)) as chunks:
        live = (await anext(chunks)).data
        fake.print(f"{job.name}/algo-2-1", "last")
        job.become("Completed")
        async for chunk in chunks:
            live += chunk.data
    lines = [f"[algo-{host}] line {number}\n" for number in range(50) for host in (1, 2)]
    assert live.decode() == "".join(lines) + "[algo-2] last\n"
    assert await whole(run) == live.decode()
    assert await whole(run, 100) == live[100:].decode()


async def test_the_second_machines_stream_is_waited_for(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    run, job = await training(made, fake, ResourceConfig=TWO)
    now = time.time()
    fake.print(f"{job.name}/algo-1-1", "late in time", at=now - 1)
    async with anyio.create_task_group() as tasks:

        async def second() -> None:
            looks = fake.count("DescribeLogStreams")
            await until(lambda: fake.count("DescribeLogStreams") > looks + 3)
            fake.print(f"{job.name}/algo-2-1", "early in time", at=now - 60)
            job.become("Completed")

        tasks.start_soon(second)
        said = await whole(run)
    assert said == "[algo-2] early in time\n[algo-1] late in time\n"


async def test_a_spot_job_that_began_again_goes_on_in_another_stream(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    run, job = await training(made, fake)
    now = time.time()
    fake.print(f"{job.name}/algo-1-9", "first", at=now - 100)
    fake.print(f"{job.name}/algo-1-10", "second", at=now - 50)
    job.become("Completed")
    assert await whole(run) == "first\nsecond\n"


async def test_a_token_that_has_expired_is_made_good(made: SageMakerRunner, fake: FakeAws) -> None:
    run, job = await training(made, fake)
    fake.print(f"{job.name}/algo-1-1", "one")
    async with aclosing(run.logs(0)) as chunks:
        said = (await anext(chunks)).data
        fake.stale_tokens = True
        fake.print(f"{job.name}/algo-1-1", "two")
        job.become("Completed")
        async for chunk in chunks:
            said += chunk.data
    assert said == b"one\ntwo\n"


async def test_a_log_that_may_not_be_read_ends_with_its_run(
    made: SageMakerRunner, fake: FakeAws, caplog: pytest.LogCaptureFixture
) -> None:
    run, job = await training(made, fake)
    fake.denied |= {"GetLogEvents", "DescribeLogStreams"}
    job.become("Completed")
    assert await whole(run) == ""
    assert f"the log of {job.name} cannot be read" in caplog.text
    assert "launchkit doctor" in caplog.text


async def test_of_lines_of_one_time_a_page_of_each_machine_is_held(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    fake.log_page, fake.log_seconds = 7, 0
    run, job = await training(made, fake, ResourceConfig=TWO)
    at = time.time() - 60
    for number in range(100):
        for host in (1, 2):
            fake.print(f"{job.name}/algo-{host}-1", f"line {number}", at=at)
    job.become("Completed")
    chunks = [chunk.data.decode() async for chunk in run.logs(0)]
    lines = [f"[algo-{host}] line {number}\n" for host in (1, 2) for number in range(100)]
    assert "".join(chunks) == "".join(lines)
    assert max(chunk.count("\n") for chunk in chunks) <= 2 * 7
    assert await whole(run, 1000) == "".join(lines)[1000:]


async def test_a_line_that_says_that_it_is_of_the_future_has_no_others_held(
    made: SageMakerRunner, fake: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.log_page, fake.log_seconds = 7, 0
    monkeypatch.setattr(cloudwatch, "LISTED_SECONDS", 0)
    run, job = await training(made, fake, ResourceConfig=TWO)
    now = time.time()
    fake.print(f"{job.name}/algo-1-1", "future", at=now + 3600)
    for number in range(100):
        fake.print(f"{job.name}/algo-1-1", f"line {number}", at=now - 60)
    fake.print(f"{job.name}/algo-2-1", "other", at=now - 60)
    async with aclosing(run.logs(0)) as chunks:
        assert (await anext(chunks)).data == b"[algo-2] other\n"
        async with anyio.create_task_group() as tasks:

            async def end_later() -> None:
                asked = fake.count("DescribeLogStreams")
                await until(lambda: fake.count("DescribeLogStreams") > asked + 3)
                read = fake.count("GetLogEvents")
                job.become("Completed")
                pages.append(read)

            pages: list[int] = []
            tasks.start_soon(end_later)
            said = "".join([chunk.data.decode() async for chunk in chunks]).splitlines()
    assert said == ["[algo-1] future", *(f"[algo-1] line {number}" for number in range(100))]
    assert fake.count("GetLogEvents") - pages[0] >= 100 // 7


async def test_of_streams_that_a_job_makes_itself_only_so_many_are_read(
    made: SageMakerRunner, fake: FakeAws, caplog: pytest.LogCaptureFixture
) -> None:
    fake.log_seconds = 0
    run, job = await training(made, fake)
    fake.print(f"{job.name}/algo-1-1", "its own")
    for number in range(500):
        fake.print(f"{job.name}/algo-0-{number}", "made")
    job.become("Completed")
    said = (await whole(run)).splitlines()
    assert "its own" in said
    assert len(said) == cloudwatch.STREAMS_OF_A_MACHINE
    told = f"of the log of {job.name} no more than its first 32 streams are read"
    assert caplog.messages.count(told) == 1
