"""Logs of which there is much: what they cost, and that those of others do not wait for them."""

import json
import time
from collections.abc import Sequence
from contextlib import aclosing
from datetime import timedelta

import anyio
import pytest
from launchkit_gcp.vertex import log_reader
from launchkit_gcp.vertex.log_entries import filter_of
from launchkit_gcp.vertex.runner import VertexRunner

from launchkit.abc import Run
from launchkit.testing import until
from launchkit.testing.waiting import PATIENCE

from .fake import FakeVertex, Job
from .test_logs import ENTRIES, end, training, whole

PAGE, PAGES = 5, 3
AT_ONCE = PAGE * PAGES
ENDLESS = 10**9


@pytest.fixture(autouse=True)
def _few_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_reader, "AT_ONCE_PAGES", PAGES)


async def with_lines(
    made: VertexRunner, fake: FakeVertex, count: int, *, apart: float = 0.0
) -> tuple[Run, Job, Sequence[str]]:
    """A job that has printed so many lines, all of one time or *apart* from each other."""
    run, job = await training(made, fake)
    fake.log_page, fake.log_seconds = PAGE, 0.0
    at, lines = time.time(), [f"line {number}\n" for number in range(count)]
    for number, line in enumerate(lines):
        fake.print(job, line, at=at + number * apart)
    end_long_ago(fake, job)
    return run, job, lines


def end_long_ago(fake: FakeVertex, job: Job) -> None:
    """End a job so that nothing late is waited for any more."""
    end(fake, job)
    with fake.lock:
        job.view.end_time -= timedelta(minutes=1)


def queries(fake: FakeVertex) -> Sequence[str]:
    """What was asked for, page after page."""
    return [json.loads(body)["filter"] for name, body in fake.calls if name == ENTRIES]


async def test_of_many_lines_of_one_time_no_more_are_held_than_of_others(
    made: VertexRunner, fake: FakeVertex
) -> None:
    run, _, lines = await with_lines(made, fake, 3 * AT_ONCE)
    chunks = [chunk.data.decode() async for chunk in run.logs(0)]
    assert "".join(chunks) == "".join(lines)
    assert max(chunk.count("\n") for chunk in chunks) <= AT_ONCE
    assert len(queries(fake)) <= 4 * PAGES


async def test_a_log_is_read_on_from_each_byte_within_one_time(
    made: VertexRunner, fake: FakeVertex
) -> None:
    run, _, lines = await with_lines(made, fake, 2 * AT_ONCE)
    text = "".join(lines)
    for offset in (0, len(text) // 3, len(text) - 3):
        assert await whole(run, offset) == text[offset:]


async def test_what_fails_within_one_time_is_read_on_behind_what_was_given(
    made: VertexRunner, fake: FakeVertex, caplog: pytest.LogCaptureFixture
) -> None:
    run, _, lines = await with_lines(made, fake, 3 * AT_ONCE)
    said = b""
    async with aclosing(run.logs(0)) as chunks, anyio.create_task_group() as tasks:
        said += (await anext(chunks)).data
        fake.away.add("entries")

        async def come_back() -> None:
            await until(lambda: "Cloud Logging" in caplog.text)
            fake.away.clear()

        tasks.start_soon(come_back)
        async for chunk in chunks:
            said += chunk.data
    assert said.decode() == "".join(lines)
    assert caplog.text


async def test_long_lines_end_what_is_read_at_once(
    made: VertexRunner, fake: FakeVertex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_reader, "AT_ONCE_LETTERS", 20)
    run, _, lines = await with_lines(made, fake, 3 * PAGE)
    chunks = [chunk.data.decode() async for chunk in run.logs(0)]
    assert "".join(chunks) == "".join(lines)
    assert max(chunk.count("\n") for chunk in chunks) <= PAGE


@pytest.mark.parametrize("apart", [0.0, 1e-5])
async def test_a_log_does_not_wait_for_the_end_of_a_long_one(
    made: VertexRunner, fake: FakeVertex, apart: float
) -> None:
    long, _, lines = await with_lines(made, fake, 10 * AT_ONCE, apart=apart)
    short, job = await training(made, fake)
    fake.print(job, "short", at=time.time() + 1)
    end_long_ago(fake, job)
    given: dict[str, int] = {}

    async def read(run: Run, text: str) -> None:
        assert await whole(run) == text
        given[text] = fake.count(ENTRIES)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read, long, "".join(lines))
        tasks.start_soon(read, short, "short\n")
    assert given["short\n"] <= 4 * PAGES
    assert given["".join(lines)] > 10 * PAGES


async def test_a_log_does_not_wait_for_another_that_is_searched_for(
    made: VertexRunner, fake: FakeVertex
) -> None:
    slow, slow_job, lines = await with_lines(made, fake, AT_ONCE)
    quick, job = await training(made, fake)
    fake.print(job, "quick", at=time.time() + 1)
    end_long_ago(fake, job)
    fake.searches[slow_job.number] = ENDLESS
    async with anyio.create_task_group() as tasks:

        async def read_slow() -> None:
            assert await whole(slow) == "".join(lines)

        tasks.start_soon(read_slow)
        await until(lambda: fake.count(ENTRIES) > PAGES)
        with anyio.fail_after(PATIENCE):
            assert await whole(quick) == "quick\n"
        fake.searches.clear()
    together = [one for one in queries(fake) if slow_job.number in one and job.number in one]
    assert len(together) <= PAGES


async def test_a_search_goes_on_where_it_was_after_the_turn_of_others(
    made: VertexRunner, fake: FakeVertex
) -> None:
    run, job, lines = await with_lines(made, fake, PAGE)
    fake.searches[job.number] = 10 * PAGES
    assert await whole(run) == "".join(lines)
    assert fake.count(ENTRIES) <= 2 * 12 * PAGES  # it is looked through twice


async def test_who_reads_for_others_too_asks_for_no_id_that_a_program_has_chosen(
    made: VertexRunner, fake: FakeVertex
) -> None:
    long, long_job, _ = await with_lines(made, fake, 3 * AT_ONCE)
    short, job = await training(made, fake)
    fake.print(job, "short", at=time.time() + 1)
    end_long_ago(fake, job)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(whole, long)
        tasks.start_soon(whole, short)
    assert [one for one in queries(fake) if long_job.number in one and job.number in one]
    with_ids = [one for one in queries(fake) if "insertId" in one]
    assert with_ids
    assert not [one for one in with_ids if job.number in one]


async def test_an_id_that_looks_like_a_query_is_none(made: VertexRunner, fake: FakeVertex) -> None:
    run, _, lines = await with_lines(made, fake, 2 * AT_ONCE)
    for entry in fake.lines:
        entry["insertId"] = f'{entry["insertId"]}" OR "\\'
    assert await whole(run) == "".join(lines)


async def test_ids_that_are_in_no_order_keep_no_launch_from_its_end(
    made: VertexRunner, fake: FakeVertex
) -> None:
    run, _, lines = await with_lines(made, fake, 3 * AT_ONCE)
    for number, entry in enumerate(fake.lines):
        entry["insertId"] = "x" * 300 + f"{number:05}"  # no filter tells these apart
    assert (await whole(run)).startswith("".join(lines[:AT_ONCE]))
    assert len(queries(fake)) <= 4 * PAGES


def test_a_query_is_bounded_however_long_an_id_is() -> None:
    jobs = [f"{number:019}" for number in range(log_reader.AT_ONCE)]
    assert len(filter_of(jobs, (0, "\x01" * 100_000))) < 20_000
