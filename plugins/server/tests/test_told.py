"""When many agents wait and one launch comes, one of them is told, and the others if that one does
not come.
"""

from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx
import pytest
from anyio.abc import TaskGroup
from launchkit_server import told
from launchkit_server.told import Told
from waiting import PATIENCE, until

from .conftest import Served, serving
from .over_http import CAPACITY, RECIPE, SPEC
from .roles import bearer

WAITING = 5


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    async with serving(database_url, lambda: 1_000_000.0) as served:
        yield served


@pytest.fixture
async def client(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    headers = bearer(served.tokens["ann"])
    base = f"{served.url}/api/v1/entities/e"
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=PATIENCE) as client:
        (await client.post("/queues", json=SPEC)).raise_for_status()
        yield client


class Waiting:
    """Some agents that wait, and those of them that were told of the queue."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.told: list[str] = []

    async def wait(self, agent: str) -> None:
        body = {"queues": ["q"], "capacity": {**CAPACITY, "agent": agent}, "wait": 60}
        if (await self.client.post("/agent/waits", json=body)).json()["queues"]:
            self.told.append(agent)

    async def claim(self, agent: str) -> Any:
        body = {"queue": "q", "capacity": {**CAPACITY, "agent": agent}, "claim_id": agent}
        return (await self.client.post("/agent/claims", json=body)).json()["claim"]

    async def launch(self) -> None:
        body = {"spec": {"recipe": RECIPE}}
        (await self.client.post("/queues/q/launches", json=body)).raise_for_status()

    async def launch_and_claim(self) -> None:
        before = len(self.told)
        await self.launch()
        await until(lambda: len(self.told) > before)
        assert await self.claim(self.told[-1])

    async def begin(self, tasks: TaskGroup, served: Served) -> None:
        """Let all wait."""
        names = [f"a{number}" for number in range(WAITING)]
        for name in names:
            tasks.start_soon(self.wait, name)
        topics = served.service.database.topics
        await until(lambda: all(f"agent:{name}/e" in topics for name in names))


async def test_each_launch_is_told_to_one_of_those_who_wait(
    served: Served, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(told, "TOLD_SECONDS", PATIENCE)
    waiting = Waiting(client)
    async with anyio.create_task_group() as tasks:
        await waiting.begin(tasks, served)
        await waiting.launch_and_claim()
        await waiting.launch_and_claim()
        assert len(waiting.told) == 2
        tasks.cancel_scope.cancel()


async def test_another_one_is_told_if_the_first_does_not_come(
    served: Served, client: httpx.AsyncClient
) -> None:
    waiting = Waiting(client)
    async with anyio.create_task_group() as tasks:
        await waiting.begin(tasks, served)
        await waiting.launch()
        with anyio.fail_after(PATIENCE):
            await until(lambda: len(waiting.told) == WAITING)


async def test_what_was_told_counts_until_it_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(told, "TOLD_SECONDS", PATIENCE)
    count = Told()
    with count.telling("e", ["q", "r"]) as first, count.telling("e", ["q"]) as second:
        first.worth = ["q"]
        second.worth = []
    assert (first.before, second.before) == ({"q": 0, "r": 0}, {"q": 1})
    assert not count.settled("e", second)
    count.claimed("e", "q", given=False)
    assert not count.settled("e", second)
    count.claimed("e", "never", given=True)
    with count.telling("e", ["q", "r"]) as third:
        pass
    assert third.before == {"q": 0, "r": 0}
    count.claimed("e", "q", given=True)
    assert count.settled("e", second)


async def test_what_was_told_is_forgotten_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(told, "TOLD_SECONDS", 0.0)
    count = Told()
    with count.telling("e", ["q"]) as first:
        first.worth = ["q"]
    with count.telling("e", ["q"]) as second:
        pass
    assert second.before == {"q": 0}
