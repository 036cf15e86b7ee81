"""Images that are not in ECR are copied there, where a queue wants it."""

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from launchkit_aws.ecr import EcrRegistry
from launchkit_aws.sagemaker.mirror import mirrored
from launchkit_aws.sagemaker.runner import SageMakerRunner

from launchkit.abc import Site
from launchkit.errors import SubmitError
from launchkit.testing import RecordingOutput, RegistryServer, registry_server, site_at, started

from ..conftest import REGION as HOME
from ..conftest import Environments
from ..ecr_server import ACCOUNT, EcrApi
from ..fake_aws import FakeAws as Ecr
from .fake import FakeAws
from .making import config, runner, submission

OCI = "application/vnd.oci.image."


@pytest.fixture
async def site(ecr_api: EcrApi, environments: Environments, tmp_path: Path) -> AsyncIterator[Site]:
    """Where an agent stands whose registry is ECR, which answers on this machine."""
    parts = {"account_id": ACCOUNT, "region": HOME, "repo_name": f"lk-{uuid4().hex[:12]}/job"}
    async with (
        Ecr("ecr", ecr_api).serving() as url,
        environments({"ecr": url}) as aws,
        site_at(tmp_path / "site", environment=aws) as site,
        started(EcrRegistry(host=ecr_api.served.host, **parts), site) as registry,  # type: ignore[arg-type] # texts
    ):
        yield replace(site, registry=registry)


def pushed(server: RegistryServer, repository: str, *layers: bytes) -> str:
    """An image for two platforms; the reference of both."""
    with server.client() as client:

        def blob(data: bytes) -> dict[str, object]:
            digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
            begun = client.post(f"/v2/{repository}/blobs/uploads/")
            place = httpx.URL(begun.headers["Location"]).copy_merge_params({"digest": digest})
            client.put(place, content=data).raise_for_status()
            return {"digest": digest, "size": len(data), "mediaType": f"{OCI}layer.v1.tar"}

        def put(tag: str, kind: str, **parts: object) -> dict[str, object]:
            media = f"{OCI}{kind}.v1+json"
            data = json.dumps({"schemaVersion": 2, "mediaType": media, **parts}).encode()
            path = f"/v2/{repository}/manifests/{tag}"
            answer = client.put(path, content=data, headers={"Content-Type": media})
            digest = answer.raise_for_status().headers["Docker-Content-Digest"]
            return {"mediaType": media, "digest": digest, "size": len(data)}

        images = [
            put(arch, "manifest", config=blob(arch.encode()), layers=[*map(blob, layers)])
            | {"platform": {"os": "linux", "architecture": arch}}
            for arch in ("arm64", "amd64")
        ]
        put("1", "index", manifests=images)
    return f"{server.host}/{repository}:1"


async def test_a_public_image_is_copied_once(site: Site, tmp_path: Path, ecr_api: EcrApi) -> None:
    assert site.registry
    out = RecordingOutput()
    with registry_server(tmp_path) as server:
        source = pushed(server, "team/train", b"x" * 3_000_000, b"small")
        target = await mirrored(source, site.registry, out)
        assert await mirrored(source, site.registry, out) == target
    assert out.marks == [f"copies {source} to {target}"]
    assert await site.registry.exists(target)
    served = replace(ecr_api.served, login=("AWS", ecr_api.password))
    host, _, path = target.partition("/")
    repository, _, tag = path.rpartition(":")
    assert host == served.host
    with served.client() as client:
        accept = {"Accept": f"{OCI}manifest.v1+json"}
        manifest = client.get(f"/v2/{repository}/manifests/{tag}", headers=accept).json()
        (large, _), made = manifest["layers"], manifest["config"]["digest"]
        assert len(client.get(f"/v2/{repository}/blobs/{large['digest']}").content) == 3_000_000
        assert client.get(f"/v2/{repository}/blobs/{made}").content == b"amd64"


async def test_a_launch_runs_the_copy(
    site: Site, tmp_path: Path, fake: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", fake.url)
    assert isinstance(site.registry, EcrRegistry)
    with registry_server(tmp_path / "public") as server:
        source = pushed(server, "team/train", b"small")
        one = submission(args=config(mirror_image=True), image=source)
        at = replace(site, environment=None)
        async with started(runner(), at) as made:
            await made.prepare(one, RecordingOutput())
            await made.submit(one)
    (job,) = fake.jobs.values()
    ran = job.request["AlgorithmSpecification"]["TrainingImage"]
    assert ran.startswith(f"{site.registry.place.uri}:mirror-")
    assert await site.registry.exists(ran)


async def test_what_cannot_be_copied_is_told(site: Site, tmp_path: Path) -> None:
    assert site.registry
    with (
        registry_server(tmp_path) as server,
        pytest.raises(SubmitError, match="cannot be copied to") as caught,
    ):
        await mirrored(f"{server.host}/none:1", site.registry, RecordingOutput())
    assert "only images that anybody may pull" in str(caught.value.hint)


async def test_without_a_registry_in_ecr_nothing_is_copied(fake: FakeAws, tmp_path: Path) -> None:
    one = submission(args=config(mirror_image=True), image="python:3.12")
    async with site_at(tmp_path) as site, started(runner(), site) as made:
        assert isinstance(made, SageMakerRunner)
        shown = made.render(one)["AlgorithmSpecification"]
        assert shown["TrainingImage"] == "python:3.12"
        with pytest.raises(SubmitError, match="the agent has no registry there"):
            await made.prepare(one, RecordingOutput())
