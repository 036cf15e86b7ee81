"""Answers of what stands before an API server, or of one that errs."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import anyio
import pytest
from launchkit_kubernetes.cluster.access import Access
from launchkit_kubernetes.cluster.client import PAGE, ClusterClient, open_client
from launchkit_kubernetes.cluster.discovery import CONFIG_MAPS, JOBS, PODS, SECRETS, Discovery
from launchkit_kubernetes.cluster.errors import ClusterAway, ClusterRefused
from launchkit_kubernetes.cluster.objects import Objects
from launchkit_kubernetes.manifest.build import RUN
from launchkit_kubernetes.runner import KubernetesRunner
from launchkit_kubernetes.runs.streams import Stream, opened
from waiting import PATIENCE, until

from launchkit.abc import Site
from launchkit.model import Secret
from launchkit.testing import RecordingOutput, make_submission, started

from .between import Answer, Between, between
from .cluster.cluster import Cluster
from .workloads import begun

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
    async with aclosing(objects.changes(await objects.begin())) as changes:
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
    since = await objects.begin()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(closed_soon, client, server)
        with pytest.raises(ClusterAway), anyio.fail_after(PATIENCE):
            await anext(objects.changes(since))
    with pytest.raises(ClusterAway, match="closed"):
        await client.json("GET", "version")


async def closed_soon(client: ClusterClient, server: Between) -> None:
    """Close it when somebody watches."""
    await until(lambda: any("watch=true" in asked for asked in server.answered))
    await client.aclose()


@pytest.mark.parametrize("status", [301, 307, 308])
async def test_no_redirect_takes_elsewhere_what_a_cluster_is_sent(
    client: ClusterClient, server: Between, place: str, status: int
) -> None:
    elsewhere = {"Location": f"{server.url}/elsewhere?word=hunter2"}
    server.answer("POST ", Answer(status=status, headers=elsewhere))
    body = {"metadata": {"name": "one"}, "data": {"key": "c2VjcmV0"}}
    with pytest.raises(ClusterRefused, match=f"leads elsewhere .HTTP status {status}") as caught:
        await client.one("POST", SECRETS.path(place), body=body)
    assert "hunter2" not in str(caught.value)
    assert not [asked for asked in server.asked if "elsewhere" in asked]


OTHERS = '{"kind": "Job", "metadata": {"name": "another", "uid": "5"}}'


@pytest.mark.parametrize("body", ["{}", "[]", "null", OTHERS])
async def test_a_launch_goes_on_after_answers_that_are_none_of_its_objects(
    control_plane: Cluster, server: Between, site: Site, place: str, tmp_path: Path, body: str
) -> None:
    path = control_plane.write_kubeconfig(tmp_path / "kubeconfig", server=server.url)
    args = {"namespace": place}
    submission = make_submission("true", image="img:1", resource_args=args, env={"A": Secret("b")})
    async with started(KubernetesRunner(config_file=str(path)), site) as runner:
        await runner.prepare(submission, RecordingOutput())
        odd = Answer(body=body, after=True)
        for word in ("GET /api/v1/namespaces", "POST /apis/batch", "POST /api/v1", "PATCH "):
            server.answer(word, odd)
        run = await runner.submit(submission)
        server.answer(f"GET /{JOBS.path(place, submission.name)}", odd)
        assert (await runner.attach(run.ref)).ref == run.ref
        assert not server.answers


async def test_a_list_that_goes_on_without_end_is_an_error(
    client: ClusterClient, server: Between, place: str
) -> None:
    page = {"kind": "PodList", "metadata": {"continue": "more"}, "items": [{"metadata": {}}]}
    server.answer("/pods?", Answer(body=json.dumps(page)), times=1000)
    with pytest.raises(ClusterAway, match="without end"):
        await client.listed(PODS.path(place), {})


@pytest.mark.parametrize("body", ["{}", "[]", '{"kind": "PodList", "items": {}}'])
async def test_what_is_no_list_is_not_taken_for_an_empty_one(
    client: ClusterClient, server: Between, place: str, body: str
) -> None:
    server.answer("/pods?", Answer(body=body))
    with pytest.raises(ClusterAway, match="something else answers"):
        await client.listed(PODS.path(place), {})


async def test_what_tells_of_no_kinds_is_not_taken_for_a_cluster_without_that_kind(
    client: ClusterClient, server: Between
) -> None:
    server.answer("GET /apis/apps", Answer())
    with pytest.raises(ClusterAway, match="something else answers"):
        await Discovery(client).resource("apps/v1", "Deployment")
    assert (await Discovery(client).resource("apps/v1", "Deployment")).plural == "deployments"


async def test_no_stop_is_held_up_by_a_server_that_wants_no_more_lists(
    control_plane: Cluster, server: Between, site: Site, place: str, tmp_path: Path
) -> None:
    path = control_plane.write_kubeconfig(tmp_path / "kubeconfig", server=server.url)
    submission = make_submission("true", image="img:1", resource_args={"namespace": place})
    lists = f"/jobs?labelSelector={RUN}&limit={PAGE}"
    headers = {"Retry-After": "999999999"}
    server.answer(lists, Answer(status=429, headers=headers), times=100)
    made = KubernetesRunner(config_file=str(path), gone_seconds=1)
    async with started(made, site) as runner:
        run = await begun(runner, submission)
        await run.cancel(0)
    assert [asked for asked in server.asked if asked.startswith("DELETE /apis/batch")]
    assert len([asked for asked in server.asked if lists in asked]) == 1
