"""Answers of what stands before an API server, or of one that errs."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import anyio
import pytest
from launchkit_kubernetes.cluster.access import Access
from launchkit_kubernetes.cluster.client import ClusterClient, open_client
from launchkit_kubernetes.cluster.discovery import CONFIG_MAPS
from launchkit_kubernetes.cluster.errors import ClusterAway
from launchkit_kubernetes.cluster.objects import Objects
from launchkit_kubernetes.manifest.build import RUN
from launchkit_kubernetes.runs.streams import Stream, opened
from waiting import PATIENCE, until

from .between import Answer, Between, between
from .cluster.cluster import Cluster

REFUSED = Answer(status=401, body='{"message": "Unauthorized"}')


@pytest.fixture
async def server(control_plane: Cluster) -> AsyncIterator[Between]:
    async with between(control_plane) as server:
        yield server


@pytest.fixture
async def client(
    control_plane: Cluster, server: Between, tmp_path: Path
) -> AsyncIterator[ClusterClient]:
    path = control_plane.write_kubeconfig(tmp_path / "kubeconfig", server=server.url)
    async with open_client(Access(config_file=str(path)), 100, 100) as client:
        yield client


async def logs_in_anew(client: ClusterClient, server: Between) -> None:
    server.answer("GET /version", REFUSED)
    assert (await client.json("GET", "version"))["major"] == "1"


async def test_who_watches_hears_on_when_a_login_is_read_anew(
    client: ClusterClient, control_plane: Cluster, server: Between, place: str
) -> None:
    path = CONFIG_MAPS.path(place)
    objects = Objects(client, path, dict, lambda told: told["metadata"]["name"])
    await objects.begin()
    async with aclosing(objects.changes()) as changes:
        for name in ("first", "second", "third"):
            body = {"metadata": {"name": name, "labels": {RUN: name}}}
            control_plane.request("POST", f"/{path}", body)
            with anyio.fail_after(PATIENCE):
                assert await anext(changes) == name
            await logs_in_anew(client, server)


async def test_a_log_is_followed_on_when_a_login_is_read_anew(
    client: ClusterClient, server: Between, place: str
) -> None:
    printed, rest = anyio.create_memory_object_stream[bytes](1)
    server.answer("/log?", Answer(body="", rest=rest))
    async with (
        rest,
        printed,
        opened(client, place, Stream("p", "main"), None, follow=True) as lines,
    ):
        for line in (b"one\n", b"two\n", b"three\n"):
            await printed.send(b"2026-01-02T03:04:05Z " + line)
            with anyio.fail_after(PATIENCE):
                assert (await anext(lines))[1] == line
            await logs_in_anew(client, server)


async def test_what_is_read_ends_in_time_when_everything_is_closed(
    client: ClusterClient, server: Between, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchkit_kubernetes.cluster.objects.SILENT_SECONDS", 0.5)
    objects = Objects(client, CONFIG_MAPS.path(place), dict, lambda _: RUN)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(closed_soon, client, server)
        with pytest.raises(ClusterAway), anyio.fail_after(PATIENCE):
            await anext(objects.changes())
    with pytest.raises(ClusterAway, match="closed"):
        await client.json("GET", "version")


async def closed_soon(client: ClusterClient, server: Between) -> None:
    """Close it when somebody watches."""
    await until(lambda: any("watch=true" in asked for asked in server.answered))
    await client.aclose()
