"""An agent whose queue gives no answer, or lives by another clock: it says so, and can be ended."""

import time
from collections.abc import AsyncIterator, Iterator

import anyio
import pytest
from agent.conftest import Bench, running
from postgres import Postgres, served
from waiting import PATIENCE, until

import launchkit
from launchkit.agent.standing import Standing
from launchkit.model import ItemState, Timeouts
from launchkit.store.connecting import migrate
from launchkit.testing.relay import Relay, relay

HOUR = 3600.0
real_time = time.time
GATED = "import os, sys, time\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.02)"


@pytest.fixture
def url(postgres_url: str) -> str:
    """The queue is in PostgreSQL."""
    return postgres_url


@pytest.fixture
async def way(postgres: Postgres) -> AsyncIterator[Relay]:
    """A way to the server that may fall silent."""
    async with relay(f"127.0.0.1:{postgres.port}") as way:
        yield way


@pytest.fixture
def own_server() -> Iterator[Postgres]:
    """A server that the test may stop."""
    with served() as server:
        yield server


def through(way: Relay, bench: Bench) -> str:
    host = bench.url.partition("@")[2].partition("/")[0]
    return bench.url.replace(host, way.host)


async def test_one_word_ends_an_idle_agent_whose_database_is_silent(
    bench: Bench, way: Relay
) -> None:
    agent = bench.agent(backend=through(way, bench), lease_seconds=6)
    with anyio.fail_after(PATIENCE):
        async with agent:
            await until(lambda: "waits for launches" in agent.status)
            way.hold()
            await until(lambda: bool(way.held))
    way.open()


async def test_one_word_ends_an_agent_with_a_run_and_the_next_one_goes_on_with_it(
    bench: Bench, way: Relay
) -> None:
    gate = bench.folder / "gate"
    run = await bench.launch(GATED, str(gate))
    agent = bench.agent(backend=through(way, bench), lease_seconds=6)
    with anyio.fail_after(PATIENCE):
        async with agent:
            await running(run)
            way.hold()
            await until(lambda: "does not hear this agent" in agent.status)
    way.open()
    gate.touch()
    async with bench.agent():
        assert await bench.ended(run) == [ItemState.FINISHED]
    assert run.item.attempt == 1


async def test_the_status_line_tells_of_an_outage_as_long_as_it_lasts(
    bench: Bench, way: Relay
) -> None:
    agent = bench.agent(backend=through(way, bench), lease_seconds=6, max_jobs=0)
    async with agent:
        await until(agent._registered.is_set)
        way.hold()
        await until(lambda: "does not hear this agent" in agent.status)
        way.open()
        await until(lambda: "does not hear this agent" not in agent.status)


async def test_an_agent_that_is_started_while_its_database_is_away_waits_for_it(
    bench: Bench, own_server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchkit.agent.arrival.BACKEND_SECONDS", PATIENCE)
    await migrate(own_server.url)
    async with launchkit.connect(own_server.url) as client:
        await client.create_queue("q", "local-process")
    await anyio.to_thread.run_sync(own_server.stop)
    agent = bench.agent(backend=own_server.url)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.to_thread.run_sync, own_server.start)
        await tasks.start(agent.run)
        agent.stop()


async def test_one_word_ends_an_agent_that_waits_for_its_database_to_begin(
    bench: Bench, own_server: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    await anyio.to_thread.run_sync(own_server.stop)
    agent = bench.agent(backend=own_server.url)
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(agent.run)
            await until(lambda: "cannot be reached" in caplog.text)
            agent.stop()
    await anyio.to_thread.run_sync(own_server.start)


async def test_a_run_is_held_to_its_limits_by_one_clock(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = bench.folder / "gate"
    run = await bench.launch(GATED, str(gate), timeouts=Timeouts(run=HOUR / 2))
    async with anyio.create_task_group() as tasks:
        first = bench.agent()
        await tasks.start(first.run)
        await running(run)
        first.abort()
    monkeypatch.setattr(time, "time", lambda: real_time() + HOUR)
    async with bench.agent() as second:
        await until(lambda: "ahead of the queue's" in second.status)
        await until(lambda: "1 of 1 under way" in second.status)
        gate.touch()
        assert await bench.ended(run) == [ItemState.FINISHED]


async def test_a_standing_lapses_only_after_it_was_good(bench: Bench) -> None:
    standing = Standing(0.0, bench.agent()._log)
    assert not standing.lapsed
    standing.heard(None)
    await until(lambda: standing.lapsed)
    assert standing.words == []
