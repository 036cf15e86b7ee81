"""The queue service on PostgreSQL: claims, pickup and memory, with 64 agents that ask over HTTP."""

import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from statistics import median

import anyio
from store.conftest import spec, status

import launchkit
from benchmarks.agents import cpu_seconds, resident_mib
from benchmarks.claims import claim_for, filled
from benchmarks.places import database, folder
from benchmarks.report import Figure, percentile
from launchkit import Client, LaunchHandle
from launchkit.abc import LaunchRequest
from launchkit.builtin.http.backend import HttpBackend
from launchkit.model import AgentCapacity, ItemState
from launchkit.store.opening import database_of
from launchkit.testing import site_at

from ..places import Place

AGENTS = 64
SECONDS = 5.0
LAUNCHES = 60
PAUSE_SECONDS = 0.1
PATIENCE_SECONDS = 60.0


@contextmanager
def serving(url: str, place: Path) -> Iterator[tuple[Place, int]]:
    """A service in a process of its own, and the id of that."""
    served = Place(
        place,
        LAUNCHKIT_SERVER_DATABASE=url,
        LAUNCHKIT_SERVER_LEASE="3600",
        LAUNCHKIT_SERVER_REQUESTS_PER_SECOND="100000",
    )
    with served.server() as process:
        os.environ["LAUNCHKIT_TOKEN_FILE"] = str(served.token_file)
        yield served, process.pid


def room(agent: int) -> AgentCapacity:
    return AgentCapacity(agent=f"a{agent}", site="s", resources=frozenset({"local-process"}))


@asynccontextmanager
async def agents(url: str, place: Path, entity: str) -> AsyncIterator[Sequence[HttpBackend]]:
    """The agents' side of the service, once for each agent."""
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(site_at(place / "site"))
        made = [HttpBackend(url=url, entity=entity) for _ in range(AGENTS)]
        for number, backend in enumerate(made):
            await backend.start(stack, site)
            await backend.register(status(f"a{number}"))
        yield made


async def claim_over_http(url: str, place: Path) -> float:
    """Claims a second of all agents."""
    count = 0
    async with agents(url, place, "e") as backends, anyio.create_task_group() as tasks:
        end = anyio.current_time() + SECONDS

        async def one(number: int) -> None:
            nonlocal count
            while anyio.current_time() < end:
                if await backends[number].claim("q", room(number)) is None:
                    return
                count += 1

        for number in range(AGENTS):
            tasks.start_soon(one, number)
    return count / SECONDS


async def claim_in_store(url: str) -> float:
    """Claims a second of as many who ask the database themselves."""
    store = database_of(url)
    async with store.opened():
        return await claim_for(store, AGENTS, SECONDS) / SECONDS


async def pick_up(url: str, place: Path) -> list[float]:
    """Milliseconds from launches to their claims, while all agents wait."""
    async with (
        launchkit.connect(url, entity="e") as client,
        agents(url, place, "e") as backends,
        anyio.create_task_group() as tasks,
    ):

        async def serve(number: int) -> None:
            while True:
                while await backends[number].claim("q", room(number)):
                    pass
                await backends[number].news("q", PATIENCE_SECONDS)

        for number in range(AGENTS):
            tasks.start_soon(serve, number)
        waits = [await picked_up(client) for _ in range(LAUNCHES)]
        tasks.cancel_scope.cancel()
    return waits


async def picked_up(client: Client) -> float:
    """Milliseconds from a launch to its claim."""
    request = LaunchRequest(spec=spec(), actor="ann")
    run = LaunchHandle(client, await client.hub.launches().launch("q", request))
    await run.wait_until(ItemState.CLAIMED, timeout=PATIENCE_SECONDS)
    at = {event.state: event.at for event in await run.events() if event.state}
    await anyio.sleep(PAUSE_SECONDS)
    return (at[ItemState.CLAIMED] - at[ItemState.QUEUED]) * 1e3


def http() -> Iterator[Figure]:
    """Claims over HTTP beside the same through the store, pickup, and the service's memory."""
    with database("postgresql") as url:
        anyio.run(filled, url)
        bare = anyio.run(claim_in_store, url)
    with database("postgresql") as url:
        anyio.run(filled, url)
        with folder() as place, serving(url, place) as (served, pid):
            before = cpu_seconds(pid)
            ours = anyio.run(claim_over_http, served.url, place)
            busy = (cpu_seconds(pid) - before) / (ours * SECONDS)
            memory = resident_mib(pid)
    name = f"claims http {AGENTS} agents"
    yield Figure(f"{name}, through the store", bare, "1/s")
    yield Figure(name, ours, "1/s", ">= 300")
    yield Figure(f"{name}, share of the store", ours / bare, "", ">= 0.5")
    yield Figure(f"{name}, CPU of the service for each", busy * 1e3, "ms")
    yield Figure(f"{name}, memory of the service", memory, "MiB", "<= 200")
    with database("postgresql") as url, folder() as place, serving(url, place) as (served, _):
        anyio.run(prepared, served.url)
        waits = anyio.run(pick_up, served.url, place)
    yield Figure("pickup http median", median(waits), "ms", "<= 50")
    yield Figure("pickup http p99", percentile(waits, 0.99), "ms", "<= 250")


async def prepared(url: str) -> None:
    """Make the queue."""
    async with launchkit.connect(url, entity="e") as client:
        await client.create_queue("q", "local-process")
