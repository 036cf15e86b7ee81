"""Builds on the real cluster: once for all, with a verdict when they fail, and nothing is left."""

import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
import yaml
from launchkit_kubernetes.builder import KanikoBuilder
from launchkit_kubernetes.cluster.access import Access as LaunchAccess
from launchkit_kubernetes.cluster.findings import BUILD_RIGHTS
from launchkit_kubernetes.kaniko.config import laid_over
from launchkit_kubernetes.kaniko.job import remove_job
from launchkit_kubernetes.kaniko.manifest import AGENT, BUILD, CONTEXT, CONTEXT_MOUNT, WAITED
from launchkit_kubernetes.kaniko.rights import may_build
from pages import ROOT, blocks
from waiting import until

from launchkit.abc import Site
from launchkit.errors import BuildError
from launchkit.model import BuildRequest, Image
from launchkit.testing import RecordingOutput, make_launch, started

from ..cluster.access import Access
from .conftest import CONFIG, Left
from .registries import NearRegistry

PAGE = ROOT / "docs" / "reference" / "kaniko.md"
BUSYBOX = Path("/bin/busybox")
SHELL = 'FROM scratch\nCOPY busybox /bin/\nRUN ["/bin/busybox", "sh", "-c", "{0}"]\n'
Make = Callable[..., BuildRequest]
JOBS = "/apis/batch/v1/namespaces/{}/jobs"
MANY = "for n in $(seq 4000); do"
"""So often that more is printed than a pipe holds: Buildah ends with a step, also if it has not
passed on yet what that printed last.
"""


@pytest.fixture
def make(tmp_path: Path, near: NearRegistry, word: str) -> Make:
    """Makes a request from a Dockerfile; all of a test are of the same code."""

    def make(dockerfile: str = "FROM scratch\nCOPY . /code/\n") -> BuildRequest:
        code = tmp_path / "code"
        code.mkdir(exist_ok=True)
        shutil.copy(BUSYBOX, code / "busybox")
        (code / "Dockerfile").write_text(dockerfile)
        launch = make_launch(dockerfile="Dockerfile")
        return BuildRequest(launch=launch, code=code, destination=f"{near.host}/{word}")

    return make


@pytest.fixture
async def build(builder: KanikoBuilder, out: RecordingOutput) -> Callable[..., Awaitable[Image]]:
    async def build(request: BuildRequest) -> Image:
        with anyio.fail_after(150):
            return await builder.build(request, out)

    return build


async def refused(builder: KanikoBuilder, request: BuildRequest) -> BuildError:
    with pytest.raises(BuildError) as caught, anyio.fail_after(150):
        await builder.build(request, RecordingOutput())
    return caught.value


async def test_twenty_launches_of_one_code_are_one_build_and_nothing_is_left(
    builder: KanikoBuilder, make: Make, near: NearRegistry, left: Left
) -> None:
    request, out, images = make(), RecordingOutput(), set()

    async def launch() -> None:
        images.add(await builder.build(request, out))

    with anyio.fail_after(150):
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(launch)
    (image,) = images
    assert image.digest == near.server.digest(image.ref)
    assert out.text.count("building image") == 1
    assert out.text.count("is there already") == 19
    await until(lambda: not left())


async def test_what_a_build_prints_comes_with_its_steps(
    build: Callable[..., Awaitable[Image]], make: Make, out: RecordingOutput
) -> None:
    await build(make(SHELL.format(f"{MANY} echo out of the step; done")))
    assert "out of the step\n" in out.text
    assert any(mark.startswith("RUN ") for mark in out.marks)


async def test_an_error_in_the_dockerfile_is_told(builder: KanikoBuilder, make: Make) -> None:
    error = await refused(builder, make("FROM scratch\nCOPPY . /\n"))
    assert "COPPY" in error.message
    assert error.hint == "correct the Dockerfile"


async def test_a_full_disk_is_told(builder: KanikoBuilder, make: Make) -> None:
    error = await refused(builder, make(SHELL.format(f"{MANY} echo x > /dev/full; done; false")))
    assert "No space left on device" in error.message
    assert "free the disk of the node" in (error.hint or "")


async def test_a_push_that_the_registry_refuses_is_told(
    settings: dict[str, Any], site: Site, near: NearRegistry, make: Make, left: Left
) -> None:
    stranger = replace(site, registry=None)
    async with started(KanikoBuilder(**settings), stranger) as builder:
        error = await refused(builder, make())
    assert f"{near.host} refused the push" in error.message
    assert "authentication required" in error.message
    assert "credentials" in (error.hint or "")
    await until(lambda: not left())


async def test_memory_that_runs_out_is_told(
    settings: dict[str, Any], site: Site, make: Make
) -> None:
    container = {"resources": {"limits": {"memory": "120Mi"}}}
    limit = {"spec": {"template": {"spec": {"containers": [container]}}}}
    made = KanikoBuilder(**settings | {"kaniko_config": laid_over(CONFIG, limit)})
    async with started(made, site) as builder:
        error = await refused(builder, make(SHELL.format("dd if=/dev/zero of=/dev/null bs=400M")))
    assert "it ran out of memory" in error.message
    assert "limits.memory" in (error.hint or "")


async def test_a_build_whose_job_is_removed_is_built_again(
    builder: KanikoBuilder, make: Make, cluster: Access, namespace: str, near: NearRegistry
) -> None:
    out, images = RecordingOutput(), []

    def jobs() -> list[str]:
        items = cluster.request("GET", JOBS.format(namespace))["items"]
        return [one["metadata"]["name"] for one in items]

    async def launch() -> None:
        images.append(await builder.build(make(), out))

    with anyio.fail_after(150):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(launch)
            await until(jobs)
            options = {"propagationPolicy": "Background"}
            cluster.request("DELETE", f"{JOBS.format(namespace)}/{jobs()[0]}", options)
    assert near.server.digest(images[0].ref) == images[0].digest
    assert "it is built again" in out.text


async def test_a_build_whose_pod_is_removed_goes_on(
    build: Callable[..., Awaitable[Image]],
    make: Make,
    cluster: Access,
    namespace: str,
    near: NearRegistry,
) -> None:
    images = []
    path = f"/api/v1/namespaces/{namespace}/pods"

    def pods() -> list[str]:
        return [one["metadata"]["name"] for one in cluster.request("GET", path)["items"]]

    async def launch() -> None:
        images.append(await build(make()))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(launch)
        await until(pods)
        with suppress(IndexError):
            cluster.request("DELETE", f"{path}/{pods()[0]}", {"gracePeriodSeconds": 0})
    assert near.server.digest(images[0].ref) == images[0].digest


@pytest.fixture
def volume(cluster: Access, namespace: str, tmp_path: Path) -> Iterator[Path]:
    """The directory that is the volume of the claim `contexts`."""
    folder = tmp_path / "volume"
    folder.mkdir()
    size = {"storage": "1Gi"}
    volume = {
        "capacity": size,
        "accessModes": ["ReadWriteMany"],
        "persistentVolumeReclaimPolicy": "Delete",
        "hostPath": {"path": str(folder)},
        "claimRef": {"namespace": namespace, "name": "contexts"},
    }
    claim = {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": "",
        "volumeName": namespace,
        "resources": {"requests": size},
    }
    made = {"metadata": {"name": namespace}, "spec": volume}
    cluster.request("POST", "/api/v1/persistentvolumes", made)
    path = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"
    cluster.request("POST", path, {"metadata": {"name": "contexts"}, "spec": claim})
    yield folder
    cluster.request("DELETE", f"/api/v1/persistentvolumes/{namespace}")


async def test_a_job_of_somebody_else_with_the_name_of_a_build_is_left_alone(
    builder: KanikoBuilder, make: Make, cluster: Access, namespace: str, left: Left
) -> None:
    request, names = make(SHELL.format("exit 3")), list[str]()

    async def look() -> None:
        await until(lambda: names.extend(one for one in left() if one.startswith("jobs/")) or names)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(look)
        await refused(builder, request)
    await until(lambda: not left())
    name = names[0].removeprefix("jobs/")
    secrets = f"/api/v1/namespaces/{namespace}/secrets"
    cluster.request("POST", secrets, {"metadata": {"name": f"{name}-context-0"}})
    assert f"{name}-context-0 in namespace" in (await refused(builder, request)).message
    theirs = cluster.request("GET", f"{secrets}/{name}-context-0")
    assert "data" not in theirs
    assert "ownerReferences" not in theirs["metadata"]
    await until(lambda: f"jobs/{name}" not in left())
    container = {"name": "theirs", "image": "none", "imagePullPolicy": "Never"}
    pod = {"restartPolicy": "Never", "containers": [container]}
    job = {"metadata": {"name": name}, "spec": {"template": {"spec": pod}}}
    cluster.request("POST", JOBS.format(namespace), job)
    error = await refused(builder, request)
    assert f"the name {name} in namespace {namespace} is taken" in error.message
    assert f"jobs/{name}" in left()


async def test_a_job_that_was_changed_since_it_was_looked_at_is_not_removed(
    builder: KanikoBuilder, cluster: Access, namespace: str, left: Left
) -> None:
    container = {"name": "kaniko", "image": "none", "imagePullPolicy": "Never"}
    pod = {"restartPolicy": "Never", "containers": [container]}
    job = {"metadata": {"name": "build"}, "spec": {"suspend": True, "template": {"spec": pod}}}
    found = cluster.request("POST", JOBS.format(namespace), job)["metadata"]
    path, mark = f"{JOBS.format(namespace)}/build", {"metadata": {"annotations": {WAITED: "1"}}}
    cluster.request("PATCH", path, mark)
    client = (await builder._builds.opened())._client
    place = (client, namespace, "build")
    assert not await remove_job(*place, found["uid"], found["resourceVersion"])
    assert not await remove_job(*place, "another")
    assert "jobs/build" in left()
    assert await remove_job(*place, found["uid"])
    await until(lambda: "jobs/build" not in left())


async def test_what_killed_agents_have_left_is_swept_and_what_is_waited_for_is_not(
    settings: dict[str, Any],
    site: Site,
    cluster: Access,
    namespace: str,
    left: Left,
    volume: Path,
) -> None:
    contexts = {name: f"launchkit-context-{word * 16}.tar.gz" for name, word in
                (("dead", "00"), ("waited-for", "ff"))}  # fmt: skip
    for name, context in contexts.items():
        container = {"name": "kaniko", "image": "none", "imagePullPolicy": "Never"}
        pod = {"restartPolicy": "Never", "containers": [container]}
        notes = {CONTEXT: f"tar://{CONTEXT_MOUNT}/{context}"}
        metadata = {"name": name, "labels": {BUILD: name, AGENT: name}, "annotations": notes}
        job = {"metadata": metadata, "spec": {"template": {"spec": pod}}}
        cluster.request("POST", JOBS.format(namespace), job)
        (volume / context).touch()
    others = job | {"metadata": {"name": "theirs", "labels": {BUILD: "dead"}}}
    cluster.request("POST", JOBS.format(namespace), others)
    made = KanikoBuilder(**settings, pvc_name="contexts", pvc_mount_path=str(volume))
    async with started(made, site) as builder:
        builds = await builder._builds.opened()
        await until(lambda: {"dead", "waited-for"} <= {*builds._seen})  # its own sweep is over
        assert {"jobs/dead", "jobs/waited-for"} <= {*left()}
        mark = {"metadata": {"annotations": {WAITED: "1"}}}
        cluster.request("PATCH", f"{JOBS.format(namespace)}/waited-for", mark)
        await builds.swept(patience=1e-6)
        await until(lambda: "jobs/dead" not in left())
        assert {"jobs/waited-for", "jobs/theirs"} <= {*left()}
    assert [path.name for path in volume.iterdir()] == [contexts["waited-for"]]


async def test_a_context_may_go_through_a_volume(
    settings: dict[str, Any], site: Site, make: Make, near: NearRegistry, volume: Path
) -> None:
    made = KanikoBuilder(**settings, pvc_name="contexts", pvc_mount_path=str(volume))
    async with started(made, site) as builder:
        with anyio.fail_after(150):
            image = await builder.build(make(), RecordingOutput())
    assert near.server.digest(image.ref) == image.digest
    assert not [*volume.iterdir()]


async def test_an_agent_without_rights_is_told_which(
    settings: dict[str, Any], site: Site, make: Make, cluster: Access, tmp_path: Path
) -> None:
    file = cluster.write_kubeconfig(tmp_path / "nobody", "nobody")
    made = KanikoBuilder(**settings | {"config_file": str(file)})
    async with started(made, site) as builder:
        error = await refused(builder, make())
        findings = await builder.check()
    assert "the cluster refuses" in error.message
    assert "create" in (error.hint or "")
    assert [one.level for one in findings] == ["ok", "error"]
    assert "create jobs" in findings[1].message


def test_the_role_of_the_page_has_the_rights_that_a_builder_needs() -> None:
    (role,) = (yaml.safe_load(one.text) for one in blocks(PAGE) if "object" in one.words)
    told = {
        (group, resource): tuple(rule["verbs"])
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    assert told == BUILD_RIGHTS


async def test_who_is_in_a_cluster_and_may_build_there_is_told(
    kubeconfig: Path, cluster: Access, namespace: str, tmp_path: Path
) -> None:
    assert await may_build(LaunchAccess(config_file=str(kubeconfig)), namespace)
    nobody = cluster.write_kubeconfig(tmp_path / "nobody", "nobody")
    assert not await may_build(LaunchAccess(config_file=str(nobody)), namespace)
    away = cluster.write_kubeconfig(tmp_path / "away", server="http://127.0.0.1:1")
    assert not await may_build(LaunchAccess(config_file=str(away)), namespace)
    assert not await KanikoBuilder(config_file=str(kubeconfig)).works_here()
