"""Queues are looked through for secrets once, and beside all that is answered."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from launchkit_server.door import Door
from launchkit_server.seen_queues import MOST_KEPT, SeenQueue, SeenQueues
from waiting import until

from launchkit.codec import encode_json
from launchkit.long_work import LongWork
from launchkit.model import Queue, QueueSpec
from launchkit.model.people import Role
from launchkit.resolving.nested import SHORT

from ..browsing import Browser
from ..conftest import Served, client_of, served_with
from ..over_http import RECIPE, client_in
from ..roles import account, bearer

SPEC = QueueSpec(name="q", resource="docker", config={"env": {"API_KEY": "hush"}})
QUEUE = Queue(id=1, entity="e", spec=SPEC, version=1, created_at=0.0, updated_at=0.0)


@contextmanager
def busy(served: Served) -> Iterator[Callable[..., Any]]:
    """Somebody else's long text is looked through as long as this lasts."""
    assert served.portal is not None
    parsing = served.service.parsing.short
    served.portal.call(parsing.acquire_on_behalf_of, "another")
    try:
        yield lambda: parsing.statistics().tasks_waiting
    finally:
        served.portal.call(parsing.release_on_behalf_of, "another")


@pytest.mark.parametrize("path", ["", "/queues/q", "/queues/q/edit", "/jobs/j"])
def test_a_page_that_needs_a_queue_or_a_job_looked_through_keeps_nobody_waiting(
    served: Served, browser: Browser, entity: str, path: str
) -> None:
    with client_in(served, entity) as client, ThreadPoolExecutor(1) as thread:
        assert client.post("/jobs/j", json={"recipe": RECIPE}).is_success
        with busy(served) as who_waits:
            asked = thread.submit(browser.get, f"/e/{entity}{path}")
            served.portal.call(until, who_waits)  # type: ignore[union-attr]
            assert client.get("/queues/q").is_success
            assert not asked.done()
        assert asked.result().is_success


async def test_a_version_of_a_queue_is_looked_through_once_for_all_who_ask() -> None:
    work = LongWork()
    queues, seen = SeenQueues(work), list[SeenQueue]()

    async def ask() -> None:
        seen.append(await queues.of(QUEUE))

    async with anyio.create_task_group() as tasks, work.short:
        tasks.start_soon(ask)
        tasks.start_soon(ask)
        await until(lambda: work.short.statistics().tasks_waiting == 2)
    assert seen[0] is seen[1] is await queues.of(QUEUE)
    assert seen[0].shown.config == {"env": {"API_KEY": "…"}}
    assert seen[0].warning


async def test_large_queues_wait_for_the_turn_of_their_entity_and_small_ones_for_none_of_them() -> (
    None
):
    work, done = LongWork(), list[tuple[str, int]]()
    queues = SeenQueues(work)
    large = replace(SPEC, config={"a": "b" * SHORT})

    async def ask(entity: str, number: int, spec: QueueSpec) -> None:
        await queues.of(replace(QUEUE, id=number, entity=entity, spec=spec))
        done.append((entity, number))

    async with anyio.create_task_group() as tasks, work.long:
        for number in range(3):
            tasks.start_soon(ask, "many", number, large)
        await until(lambda: work.long.statistics().tasks_waiting == 1)
        await ask("small", 9, SPEC)
        tasks.start_soon(ask, "one", 10, large)
        await until(lambda: work.long.statistics().tasks_waiting == 2)
        assert done == [("small", 9)]
    assert done.index(("one", 10)) == 2


async def test_another_version_or_queue_is_another_to_look_through() -> None:
    queues = SeenQueues(LongWork())
    await queues.of(QUEUE)
    later = replace(SPEC, config={"env": {"MODE": "fast"}})
    for other in (replace(QUEUE, version=2, spec=later), replace(QUEUE, id=2, spec=later)):
        assert await queues.of(other) == SeenQueue(later, None)


def test_a_queue_of_a_restored_database_is_seen_as_it_is_there(tmp_path: Path) -> None:
    def made(entity: str, queue: QueueSpec) -> str:
        path = f"/api/v1/entities/{entity}/queues"
        with client_of(served) as ann:
            assert ann.post(path, json=json.loads(encode_json(queue))).is_success
        new = served.portal.call(account, served.service.database, Role.VIEWER, entity)  # type: ignore[union-attr]
        with client_of(served) as viewer:
            answer = viewer.get(f"{path}/{queue.name}", headers=bearer(new.secret))
        return answer.text

    with (
        served_with(Door(), tmp_path) as served,
        closing(sqlite3.connect(tmp_path / "launchkit.db")) as database,
        closing(sqlite3.connect(":memory:")) as backup,
    ):
        database.backup(backup)
        assert "apollo" in made("secretive", replace(SPEC, config={"env": {"PROJECT": "apollo"}}))
        backup.backup(database)
        seen = made("other", replace(SPEC, name="mine", config={"env": {"PROJECT": "harmless"}}))
    assert "harmless" in seen
    assert "apollo" not in seen


async def test_few_queues_that_were_looked_through_are_kept() -> None:
    queues = SeenQueues(LongWork())
    first = await queues.of(QUEUE)
    for number in range(1, MOST_KEPT):
        await queues.of(replace(QUEUE, id=1 + number))
    assert await queues.of(QUEUE) is first
    await queues.of(replace(QUEUE, id=1 + MOST_KEPT))
    assert await queues.of(QUEUE) is not first
