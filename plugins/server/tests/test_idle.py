"""What an agent without work asks of the service, and that it starts again at once."""

import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest
from waiting import PATIENCE, until

from launchkit import Agent
from launchkit.abc import LaunchRequest, Site
from launchkit.builtin.http.hub import HttpHub
from launchkit.model import ItemState, Pause, QueueSpec
from launchkit.settings import load_settings
from launchkit.testing import make_spec, started

from .conftest import Served, serving

MINUTE = 1.5
"""A shortened one: waits last so long, and the service's leases too."""
QUEUES = [f"q{number}" for number in range(12)]


class Requests:
    """The calls that an agent makes, told apart by their last word, with their times."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, float]] = []

    def last(self, many: int) -> tuple[Counter[str], float]:
        """How many of which were the last, and how long those took."""
        some = self.calls[-many:]
        if not some:
            return Counter(), 0.0
        return Counter(word for word, _ in some), some[-1][1] - some[0][1]


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> Requests:
    """Counted at the service; the agent's own clock is shortened."""
    from launchkit_server import envelope

    monkeypatch.setattr("launchkit.builtin.http.news.MAX_WAIT_SECONDS", MINUTE)
    monkeypatch.setattr("launchkit.builtin.http.news.QUICK_SECONDS", MINUTE / 60)
    found = Requests()
    answer = envelope.Envelope.__call__

    async def counted(self: envelope.Envelope, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        if "/agent/" in scope["path"]:
            found.calls.append((scope["path"].rpartition("/")[2], anyio.current_time()))
        await answer(self, scope, receive, send)

    monkeypatch.setattr(envelope.Envelope, "__call__", counted)
    return found


@pytest.fixture
async def idle_server(database_url: str, requests: Requests) -> AsyncIterator[Served]:
    async with serving(database_url, time.time, lease=MINUTE) as served:
        yield served


@pytest.fixture
async def hub(idle_server: Served, site: Site) -> AsyncIterator[HttpHub]:
    made = HttpHub(url=idle_server.url, entity="test", token=idle_server.tokens["ann"])
    async with started(made, site) as hub:
        for name in QUEUES:
            await hub.queues().create(QueueSpec(name=name, resource="local-process"), "ann")
        yield hub


@pytest.fixture
async def agent(
    idle_server: Served, hub: HttpHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Agent]:
    monkeypatch.setenv("LAUNCHKIT_TOKEN", str.__str__(idle_server.tokens["ann"]))
    flags = {
        "backend": idle_server.url,
        "entity": "test",
        "queues": QUEUES,
        "state_dir": str(tmp_path / "state"),
        "cache_dir": str(tmp_path / "cache"),
    }
    async with Agent(load_settings(flags=flags).settings) as agent:
        yield agent


async def test_an_idle_agent_asks_four_times_a_minute_however_many_queues_it_has(
    agent: Agent, requests: Requests
) -> None:
    def settled() -> bool:
        words = requests.last(24)[0]
        return words.total() == 24 and words.keys() == {"beats", "waits"}

    await until(settled)
    counted, took = requests.last(12)
    assert took >= (12 / 4 - 1) * MINUTE  # a slow machine only asks less often
    assert counted["waits"] >= 2


async def test_an_idle_agent_knows_of_a_pause_and_of_its_end(agent: Agent, hub: HttpHub) -> None:
    spec = (await hub.queues().get("q3")).queue.spec
    await until(lambda: "waits for launches" in agent.status)
    pause = Pause(reason="upgrade", by="ann", at=0)
    await hub.queues().update(spec, "ann", pause=pause, if_version=None)
    await until(lambda: "q3 is paused: upgrade" in agent.status)
    await hub.queues().update(spec, "ann", pause=None, if_version=None)
    await until(lambda: "paused" not in agent.status)


async def test_an_idle_agent_starts_what_is_launched(agent: Agent, hub: HttpHub) -> None:
    await until(lambda: "waits for launches" in agent.status)
    request = LaunchRequest(spec=make_spec(), actor="ann")
    item = await hub.launches().launch("q7", request)
    with anyio.fail_after(PATIENCE):
        while (await hub.launches().get(item.id)).item.state is ItemState.QUEUED:
            await hub.launches().changed(item.id, 2, 1.0)
