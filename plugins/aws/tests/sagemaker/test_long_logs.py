"""Logs that do not end, and those of which much would be held."""

import random
import time

import anyio
import pytest
from launchkit_aws.sagemaker import logs as cloudwatch
from launchkit_aws.sagemaker.runner import SageMakerRunner

from launchkit.testing import until
from launchkit.testing.waiting import PATIENCE

from .fake import FakeAws
from .test_logs import TWO, made, training, whole

__all__ = ["made"]
ENDLESS = 10**9


async def test_a_stream_without_a_last_page_keeps_no_launch_from_its_end(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    run, job = await training(made, fake)
    fake.print(f"{job.name}/algo-1-1", "one")
    async with anyio.create_task_group() as tasks:

        async def end_later() -> None:
            await until(lambda: fake.count("GetLogEvents") > 1)
            fake.log_gap = ENDLESS
            await until(lambda: fake.count("GetLogEvents") > 2 * cloudwatch.MOST_EMPTY_PAGES)
            job.become("Completed")

        tasks.start_soon(end_later)
        with anyio.fail_after(PATIENCE):
            assert await whole(run) == "one\n"


async def test_pages_without_a_line_end_no_log(made: SageMakerRunner, fake: FakeAws) -> None:
    run, job = await training(made, fake)
    fake.log_gap, fake.log_page = cloudwatch.MOST_EMPTY_PAGES - 1, 1
    for number in range(3):
        fake.print(f"{job.name}/algo-1-1", f"line {number}")
    job.become("Completed")
    assert await whole(run) == "line 0\nline 1\nline 2\n"


async def test_who_writes_on_after_the_end_of_a_job_keeps_no_launch_from_its_own(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    run, job = await training(made, fake)
    fake.log_seconds = 0
    fake.print(f"{job.name}/algo-1-1", "its own")
    fake.writer = lambda stream: fake.print(stream, "of another")
    async with anyio.create_task_group() as tasks:

        async def end_later() -> None:
            await until(lambda: fake.count("GetLogEvents") > 10)
            job.become("Completed")

        tasks.start_soon(end_later)
        with anyio.fail_after(PATIENCE):
            said = await whole(run)
    assert said.startswith("its own\n")


@pytest.mark.parametrize("log_page", [3, 500])
async def test_no_more_is_held_than_there_is_room_for_and_the_order_stays(
    made: SageMakerRunner, fake: FakeAws, monkeypatch: pytest.MonkeyPatch, log_page: int
) -> None:
    room, longest = 2000, 5000
    monkeypatch.setattr(cloudwatch, "HELD_BYTES", room)
    fake.log_page, fake.log_seconds = log_page, 0
    run, job = await training(made, fake, ResourceConfig=TWO)
    chance, began, lines = random.Random(7), time.time() - 60, list[str]()
    for number in range(200):
        host = chance.choice((1, 2))
        text = f"{number} " + "x" * chance.choice((1, 10, 300, longest))
        fake.print(f"{job.name}/algo-{host}-1", text, at=began + number / 100)
        lines.append(f"[algo-{host}] {text}\n")
    job.become("Completed")
    chunks = [chunk.data.decode() async for chunk in run.logs(0)]
    assert "".join(chunks) == "".join(lines)
    assert max(map(len, chunks)) <= room + longest + 20
    assert await whole(run, 1000) == "".join(lines)[1000:]


async def test_a_line_that_says_that_it_is_of_the_future_is_given_when_it_comes(
    made: SageMakerRunner, fake: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloudwatch, "HELD_MS", 100)
    fake.log_seconds = 0
    run, job = await training(made, fake, ResourceConfig=TWO)
    for host in (1, 2):
        fake.print(f"{job.name}/algo-{host}-1", "future", at=time.time() + 3600)
    with anyio.fail_after(PATIENCE):
        async for chunk in run.logs(0):
            if b"[algo-2] future" in chunk.data:
                break


async def test_lines_that_are_held_of_all_machines_at_once_are_given(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    fake.log_seconds = 0
    run, job = await training(made, fake, ResourceConfig=TWO)
    for host in (1, 2):
        fake.print(f"{job.name}/algo-{host}-1", "one")
    async with anyio.create_task_group() as tasks:

        async def end_later() -> None:
            await until(lambda: fake.count("GetLogEvents") >= 2)
            job.become("Completed")

        tasks.start_soon(end_later)
        assert await whole(run) == "[algo-1] one\n[algo-2] one\n"
