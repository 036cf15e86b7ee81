"""Agents begin at the service: who comes later under a name replaces who came before."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import anyio
import httpx
import pytest
from waiting import PATIENCE

from launchkit import Agent
from launchkit.abc import LaunchRequest, Site
from launchkit.builtin.http.backend import HttpBackend
from launchkit.builtin.http.hub import HttpHub
from launchkit.codec import plain
from launchkit.errors import AgentReplaced, ConfigError
from launchkit.model import ItemReport, ItemState, QueueSpec
from launchkit.settings import load_settings
from launchkit.testing import make_capacity, make_spec, make_status, started

from .conftest import Served

HOUR = 3600.0


@dataclass(frozen=True)
class Shifted:
    """Stands for the module `time` where only the time of day is asked for."""

    time: Callable[[], float]


class Two:
    """Two agents of one name, the second registered after the first has claimed."""

    def __init__(self, first: HttpBackend, second: HttpBackend) -> None:
        self.first = first
        self.second = second


@pytest.fixture
async def hub(server: Served, site: Site) -> AsyncIterator[HttpHub]:
    made = HttpHub(url=server.url, entity="test", token=server.tokens["ann"])
    async with started(made, site) as hub:
        await hub.queues().create(QueueSpec(name="q", resource="local-process"), "ann")
        yield hub


@pytest.fixture
async def two(server: Served, site: Site, hub: HttpHub) -> AsyncIterator[Two]:
    async with AsyncExitStack() as stack:
        made = [
            HttpBackend(url=server.url, entity="test", token=server.tokens["ann"]) for _ in range(2)
        ]
        yield Two(*[await stack.enter_async_context(started(one, site)) for one in made])


async def test_an_agent_that_registers_later_replaces_one_of_its_name(
    two: Two, hub: HttpHub
) -> None:
    await hub.launches().launch("q", LaunchRequest(spec=make_spec(), actor="ann"))
    await two.first.register(make_status())
    held = await two.first.claim("q", make_capacity())
    assert held is not None
    await two.second.register(make_status())
    for call in (
        lambda: two.first.claim("q", make_capacity()),
        lambda: two.first.news("q", 60.0),
        lambda: two.first.beat(make_status(), [held], 0.0),
        lambda: two.first.acquire_lock("image", "a/run/1", 60.0),
    ):
        with pytest.raises(AgentReplaced, match="an agent named a was started anew"):
            await call()
    taken = await two.second.claim("q", make_capacity())
    assert taken is not None
    assert taken.item.id == held.item.id


async def test_who_registers_is_told_how_far_the_clocks_are_apart(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert two.first.skew() is None
    await two.first.register(make_status())
    assert abs(two.first.skew() or 0.0) < HOUR / 2
    real = time.time
    monkeypatch.setattr("launchkit.builtin.http.backend.time", Shifted(lambda: real() + HOUR))
    await two.second.register(make_status())
    assert abs((two.second.skew() or 0.0) + HOUR) < HOUR / 2


async def test_attempts_that_are_over_are_told(two: Two, hub: HttpHub) -> None:
    await two.first.register(make_status())
    request = LaunchRequest(spec=make_spec(), actor="ann")
    ended, live = [await hub.launches().launch("q", request) for _ in range(2)]
    held = await two.first.claim("q", make_capacity())
    assert held is not None
    await two.first.report(held, ItemReport(state=ItemState.FINISHED))
    assert await two.first.over({ended.id: 1, live.id: 1, "unknown": 1}) == {ended.id}


async def test_the_end_of_a_replaced_agent_takes_nothing_from_its_successor(
    two: Two, hub: HttpHub
) -> None:
    await two.first.register(make_status())
    await two.second.register(make_status())
    await hub.launches().launch("q", LaunchRequest(spec=make_spec(), actor="ann"))
    held = await two.second.claim("q", make_capacity())
    assert held is not None
    await two.first.leave("a", dead=True)
    assert not (await two.second.beat(make_status(), [held], 0.0)).lost
    await two.second.report(held, ItemReport(state=ItemState.FINISHED))
    assert [view.online for view in await hub.agents()] == [True]


async def test_a_waiting_agent_hears_at_once_that_it_is_replaced(two: Two, hub: HttpHub) -> None:
    await two.first.register(make_status())
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_replaced, two.first)
            await two.second.register(make_status())


async def _replaced(backend: HttpBackend) -> None:
    with pytest.raises(AgentReplaced):
        await _beating(backend)


async def _beating(backend: HttpBackend) -> None:
    while True:
        await backend.beat(make_status(), [], 60.0)


async def test_a_replaced_agent_ends_with_the_reason(
    server: Served, hub: HttpHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAUNCHKIT_TOKEN", str.__str__(server.tokens["ann"]))
    first, second = (
        Agent(
            load_settings(
                flags={
                    "backend": server.url,
                    "entity": "test",
                    "name": "box",
                    "queues": ["q"],
                    "state_dir": str(tmp_path / name),
                    "cache_dir": str(tmp_path / "cache"),
                }
            ).settings
        )
        for name in ("first", "second")
    )
    with pytest.raises(AgentReplaced, match="agent named box was started anew"):
        await _one_after_the_other(first, second)


async def _one_after_the_other(first: Agent, second: Agent) -> None:
    with anyio.fail_after(PATIENCE):
        async with first, second:
            await anyio.sleep_forever()


@pytest.mark.parametrize("version", ["1.2", "1.3", "1.4"])
def test_an_agent_one_minor_version_older_or_newer_works(
    server: Served, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setattr("launchkit.wire.protocol.PROTOCOL", "1.3")
    assert registered(server, version).status_code == 200


@pytest.mark.parametrize(
    ("version", "older"), [("1.1", "the client"), ("1.5", "the queue service")]
)
def test_a_gap_between_versions_is_told_with_both(
    server: Served, monkeypatch: pytest.MonkeyPatch, version: str, older: str
) -> None:
    monkeypatch.setattr("launchkit.wire.protocol.PROTOCOL", "1.3")
    answer = registered(server, version)
    assert answer.status_code == 422
    problem = answer.json()
    told = f"the client speaks the protocol {version}, and the queue service 1.3"
    assert told in problem["detail"]
    assert problem["hint"] == f"upgrade launchkit where {older} runs"


async def test_an_agent_that_is_too_old_ends_with_both_versions(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchkit.wire.protocol.PROTOCOL", "1.3")
    with pytest.raises(ConfigError, match=r"the protocol 1\.0, and the queue service 1\.3"):
        await two.first.register(make_status())


def registered(server: Served, version: str) -> httpx.Response:
    status = {**plain(make_status("box")), "of_the_future": True}
    return httpx.post(
        f"{server.url}/api/v1/entities/test/agent/register",
        timeout=PATIENCE,
        headers={
            "launchkit-protocol": version,
            "authorization": f"Bearer {str.__str__(server.tokens['ann'])}",
        },
        json={"status": status, "session": "s", "of_the_future": 1},
    )
