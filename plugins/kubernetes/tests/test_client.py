"""The cluster's client: what its requests cost, which goes first, and which way they take."""

import tracemalloc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import anyio
import pytest
from launchkit_kubernetes.cluster.access import Access
from launchkit_kubernetes.cluster.client import ClusterClient, Request, open_client
from launchkit_kubernetes.cluster.discovery import CONFIG_MAPS, JOBS, PODS
from launchkit_kubernetes.cluster.errors import AnswerTooLong
from launchkit_kubernetes.cluster.objects import Objects
from launchkit_kubernetes.cluster.session import proxy_for
from launchkit_kubernetes.manifest.build import RUN

from .cluster.cluster import Cluster

HELD = 20
KIB = 1024


@pytest.fixture
async def client(control_plane: Cluster, tmp_path: Path) -> AsyncIterator[ClusterClient]:
    path = control_plane.write_kubeconfig(tmp_path / "kubeconfig")
    async with open_client(Access(config_file=str(path)), 100, 100) as client:
        yield client


async def test_answers_that_never_end_hold_little_memory(client: ClusterClient, place: str) -> None:
    watch = Request("GET", PODS.path(place), {"watch": "true"})
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(client.request(watch))
        tracemalloc.start()
        stack.callback(tracemalloc.stop)
        for _ in range(HELD):
            await stack.enter_async_context(client.request(watch))
        held, _ = tracemalloc.get_traced_memory()
    assert held / HELD < 96 * KIB


async def test_requests_that_can_wait_keep_no_other_waiting(
    control_plane: Cluster, place: str, tmp_path: Path
) -> None:
    path = control_plane.write_kubeconfig(tmp_path / "kubeconfig")
    answered: list[str] = []
    async with open_client(Access(config_file=str(path)), 20, 1) as client:

        async def ask(who: str, *, last: bool) -> None:
            await client.json("GET", PODS.path(place), last=last)
            answered.append(who)

        async with anyio.create_task_group() as tasks:
            for _ in range(HELD):
                tasks.start_soon(partial(ask, "one of many", last=True))
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(partial(ask, "another", last=False))
    assert answered.index("another") < HELD / 2


async def test_a_list_of_several_pages_is_whole(
    client: ClusterClient, control_plane: Cluster, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchkit_kubernetes.cluster.client.PAGE", 2)
    names = {f"map-{number}" for number in range(5)}
    for name in names:
        body = {"metadata": {"name": name, "labels": {RUN: name}}}
        control_plane.request("POST", f"/{CONFIG_MAPS.path(place)}", body)
    objects = Objects(client, CONFIG_MAPS.path(place), dict, lambda told: told["metadata"]["name"])
    await objects.list()
    assert objects.runs == names
    assert len(await client.listed(CONFIG_MAPS.path(place), {"labelSelector": RUN})) == len(names)


@pytest.mark.parametrize(("longest", "is_whole"), [(12_000, True), (3_000, False)])
async def test_a_list_whose_pages_would_be_too_long_comes_in_smaller_ones(
    client: ClusterClient,
    control_plane: Cluster,
    place: str,
    monkeypatch: pytest.MonkeyPatch,
    longest: int,
    is_whole: bool,
) -> None:
    monkeypatch.setattr("launchkit_kubernetes.cluster.client.PAGE", 4)
    monkeypatch.setattr("launchkit_kubernetes.cluster.answers.MAX_ANSWER", longest)
    names = {f"map-{number}" for number in range(5)}
    for name in names:
        body = {"metadata": {"name": name, "labels": {RUN: name}}, "data": {"a": "x" * 4000}}
        control_plane.request("POST", f"/{CONFIG_MAPS.path(place)}", body)
    asked = CONFIG_MAPS.path(place), {"labelSelector": RUN}
    if is_whole:
        found = await client.listed(*asked)
        assert [one["metadata"]["name"] for one in found] == sorted(names)
    else:
        with pytest.raises(AnswerTooLong):
            await client.listed(*asked)


async def test_the_largest_object_that_a_cluster_takes_can_be_listed(
    client: ClusterClient, control_plane: Cluster, place: str
) -> None:
    container = {"name": "main", "image": "img:1", "args": ["<" * 1_500_000]}
    pod = {"restartPolicy": "Never", "containers": [container]}
    body = {"metadata": {"name": "large"}, "spec": {"parallelism": 0, "template": {"spec": pod}}}
    control_plane.request("POST", f"/{JOBS.path(place)}", body)
    (found,) = await client.listed(JOBS.path(place), {})
    assert found["spec"]["template"]["spec"]["containers"][0]["args"] == container["args"]


async def test_a_login_in_a_netrc_is_none_for_the_api_server(
    client: ClusterClient, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert (await client.json("GET", PODS.path(place)))["items"] == []


def test_the_proxy_of_the_environment_is_used_but_for_hosts_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "inside.example")
    assert proxy_for("https://api.example:6443") == "http://proxy.example:3128"
    assert proxy_for("https://api.inside.example:6443") is None
    assert proxy_for("") is None
