"""Thousands of Jobs through an agent, on a control plane whose nodes are played by patches."""

import os
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx

import launchkit
from benchmarks.agents import cpu_seconds, online, resident_mib, start
from benchmarks.places import database, folder
from benchmarks.report import Figure
from launchkit import Client
from launchkit.model import ItemState

from ..cluster.cluster import Cluster, running

JOBS = 2000
AT_ONCE = 16
REST_SECONDS = 20.0
WAIT_SECONDS = 600.0
LOOK_SECONDS = 0.5
BATCH = "/apis/batch/v1/namespaces"
NO_BUDGET = "runners: {kubernetes: {api_rate: 10000, api_burst: 10000}}\n"
"""Bare requests have none either."""


@dataclass(frozen=True)
class Ground:
    """A control plane with two namespaces: one for bare Jobs, one for the agent's."""

    cluster: Cluster
    bare: str
    ours: str


async def create_bare(ground: Ground, *, looks: bool = False) -> float:
    """Jobs a second by bare requests: one for each, or, with *looks*, as many as an agent makes."""
    numbers = iter(range(JOBS))
    record = f"/api/v1/namespaces/{ground.bare}/configmaps"

    async def create(http: httpx.AsyncClient) -> None:
        for number in numbers:
            body = job(f"bare-{number}")
            if looks:  # whether its run is over: there is no such record
                await http.get(f"{record}/bare-{number}-record")
            (await http.post(f"{BATCH}/{ground.bare}/jobs", json=body)).raise_for_status()

    async with ground.cluster.admin() as http:
        began = time.monotonic()
        async with anyio.create_task_group() as tasks:
            for _ in range(AT_ONCE):
                tasks.start_soon(create, http)
        rate = JOBS / (time.monotonic() - began)
        await cleared(http, ground.bare)
        return rate


async def cleared(http: httpx.AsyncClient, namespace: str) -> None:
    """Remove all Jobs, so that no controller has to do with them any more."""
    jobs, pods = f"{BATCH}/{namespace}/jobs", f"/api/v1/namespaces/{namespace}/pods"
    with anyio.fail_after(WAIT_SECONDS):
        while await many_of(http, jobs):  # the server gives up in the middle of many
            await http.delete(jobs, params={"propagationPolicy": "Background"})
        while await many_of(http, pods):  # noqa: ASYNC110 - nothing tells us
            await anyio.sleep(LOOK_SECONDS)


async def many_of(http: httpx.AsyncClient, path: str) -> int:
    """How many objects there are."""
    page = (await http.get(path, params={"limit": 1})).json()
    return len(page["items"]) + page["metadata"].get("remainingItemCount", 0)


def job(name: str) -> Mapping[str, Any]:
    container = {"name": "main", "image": "img:1", "command": ["true"]}
    pod = {"restartPolicy": "Never", "containers": [container]}
    return {"metadata": {"name": name}, "spec": {"template": {"spec": pod}}}


async def run_all(pods: str, http: httpx.AsyncClient) -> int:
    """Bind all pods that wait and have them run; how many run."""
    found = (await http.get(pods)).json()["items"]
    waiting = iter([pod for pod in found if pod["status"].get("phase") == "Pending"])
    patch = {"Content-Type": "application/merge-patch+json"}

    async def play() -> None:
        for pod in waiting:
            name = pod["metadata"]["name"]
            if not pod["spec"].get("nodeName"):
                target = {"apiVersion": "v1", "kind": "Node", "name": "node-1"}
                binding = {"metadata": {"name": name}, "target": target}
                await http.post(f"{pods}/{name}/binding", json=binding)
            started = {"startedAt": "2026-01-01T00:00:00Z"}
            state = {"name": "launch0", "image": "img:1", "imageID": "", "ready": True}
            state |= {"restartCount": 0, "state": {"running": started}}
            status = {"status": {"phase": "Running", "containerStatuses": [state]}}
            with suppress(httpx.HTTPError):
                await http.patch(f"{pods}/{name}/status", json=status, headers=patch)

    async with anyio.create_task_group() as tasks:
        for _ in range(AT_ONCE):
            tasks.start_soon(play)
    return len(found)


async def running_items(client: Client) -> int:
    """How many launches run."""
    found = await client.launches(queue="q", states={ItemState.RUNNING}, limit=JOBS + 1)
    return len([*found])


@asynccontextmanager
async def through_an_agent(
    ground: Ground, place: Path, settings: str = ""
) -> AsyncIterator[tuple[float, Client, int]]:
    """Jobs a second through an agent that has started one, so that it has loaded what it needs,
    until all are there; the agent is ended after the context.
    """
    path = f"{BATCH}/{ground.ours}/jobs"
    with database("sqlite") as url:
        async with launchkit.connect(url) as client, ground.cluster.admin() as http:
            await client.create_queue("q", "kubernetes", {"namespace": ground.ours})
            agent = start(url, place, "q", jobs=JOBS + 1, settings=settings)
            try:
                await online(client)
                await client.launch("q", image="img:1", entry_point=["true"])
                with anyio.fail_after(WAIT_SECONDS):
                    while not await many_of(http, path):  # noqa: ASYNC110 - nothing tells us
                        await anyio.sleep(LOOK_SECONDS)
                await client.pause_queue("q", "not all is in it yet")
                for _ in range(JOBS):
                    await client.launch("q", image="img:1", entry_point=["true"])
                began = time.monotonic()
                await client.resume_queue("q")
                with anyio.fail_after(WAIT_SECONDS):
                    while await many_of(http, path) <= JOBS:  # noqa: ASYNC110
                        await anyio.sleep(LOOK_SECONDS)
                yield JOBS / (time.monotonic() - began), client, agent.pid
            finally:
                agent.kill()
                agent.wait()


async def without_a_budget(ground: Ground, place: Path) -> float:
    """Jobs a second of an agent that may ask as often as it likes."""
    async with through_an_agent(ground, place, NO_BUDGET) as (rate, _, _):
        pass
    async with ground.cluster.admin() as http:
        await cleared(http, ground.ours)
    return rate


async def with_all_running(ground: Ground, place: Path) -> tuple[float, float, float]:
    """Jobs a second within the budget; the agent's memory and processor time while all run."""
    pods = f"/api/v1/namespaces/{ground.ours}/pods"
    async with through_an_agent(ground, place) as (rate, client, pid):
        async with ground.cluster.admin() as http:
            with anyio.fail_after(WAIT_SECONDS):
                while await running_items(client) <= JOBS:
                    await run_all(pods, http)
                    await anyio.sleep(LOOK_SECONDS)
        before = cpu_seconds(pid)
        await anyio.sleep(REST_SECONDS)
        busy = (cpu_seconds(pid) - before) / REST_SECONDS
        return rate, resident_mib(pid), busy


def jobs() -> Iterator[Figure]:
    """The rate of launches beside bare requests, and the agent with all of them running."""
    with running(Cluster(node=False)) as cluster, folder() as place:
        ground = Ground(cluster, cluster.make_namespace(), cluster.make_namespace())
        os.environ["KUBECONFIG"] = str(cluster.write_kubeconfig(place / "kubeconfig"))
        bare = anyio.run(create_bare, ground)
        alike = anyio.run(partial(create_bare, ground, looks=True))
        free = anyio.run(without_a_budget, ground, place)
        rate, memory, busy = anyio.run(with_all_running, ground, place)
    yield Figure(f"{JOBS} Jobs, bare", bare, "1/s")
    yield Figure(f"{JOBS} Jobs, bare with a look before each", alike, "1/s")
    yield Figure(f"{JOBS} Jobs, without a budget", free, "1/s")
    yield Figure(f"{JOBS} Jobs, without a budget, share of bare", free / bare, "", ">= 0.7")
    yield Figure(f"{JOBS} Jobs, without a budget, share of bare with looks", free / alike, "")
    yield Figure(f"{JOBS} Jobs, within 100 requests a second", rate, "1/s", ">= 40")
    yield Figure(f"{JOBS} Jobs running, memory of the agent", memory, "MiB", "<= 256")
    yield Figure(f"{JOBS} Jobs running, processor of the agent", busy, "cores", "<= 0.5")
