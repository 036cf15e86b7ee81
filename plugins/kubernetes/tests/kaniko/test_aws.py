"""Builds on the real cluster as on AWS: the context in S3, the image to ECR."""

import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from launchkit_aws.ecr import EcrRegistry
from launchkit_aws.environment import AwsEnvironment
from launchkit_kubernetes.builder import KanikoBuilder
from waiting import PATIENCE

from launchkit.abc import Site
from launchkit.model import BuildRequest
from launchkit.testing import (
    RecordingOutput,
    RegistryServer,
    make_launch,
    site_at,
    started,
)

from ..cluster.access import Access
from .conftest import Left
from .registries import NearRegistry, near, near_registry

ACCOUNT, REGION, BUCKET = "123456789012", "eu-west-1", "contexts"
LOGIN = ("AWS", f"{ACCOUNT}-auth-token")
"""As moto gives it."""


@pytest.fixture
def moto(cluster: Access, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an AWS that pods reach, too."""
    from moto.server import ThreadedMotoServer

    for name, value in (("ACCESS_KEY_ID", "ann"), ("SECRET_ACCESS_KEY", "secret")):
        monkeypatch.setenv(f"AWS_{name}", value)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    httpx.post(f"http://{host}:{port}/moto-api/reset", timeout=PATIENCE).raise_for_status()
    with near(RegistryServer(host=f"{host}:{port}"), cluster, tmp_path / "moto"):
        yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def images(cluster: Access, tmp_path: Path) -> Iterator[NearRegistry]:
    """A registry whose login is ECR's."""
    with near_registry(cluster, tmp_path / "images", LOGIN) as registry:
        yield registry


@pytest.fixture
async def aws_site(
    moto: str, images: NearRegistry, word: str, tmp_path: Path
) -> AsyncIterator[Site]:
    urls = dict.fromkeys(("s3", "sts", "ecr", "iam"), moto)
    environment = AwsEnvironment(region=REGION, endpoint_urls=urls)
    parts: dict[str, Any] = {"account_id": ACCOUNT, "region": REGION, "repo_name": word}
    async with site_at(tmp_path / "aws") as bare, started(environment, bare):
        s3 = await environment.client("s3")
        where = {"LocationConstraint": REGION}
        await s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
        site = replace(bare, environment=environment)
        async with started(EcrRegistry(host=images.host, **parts), site) as registry:
            yield replace(site, registry=registry)


async def test_the_context_goes_through_s3_and_the_image_to_ecr(
    aws_site: Site,
    settings: dict[str, Any],
    images: NearRegistry,
    tmp_path: Path,
    left: Left,
    word: str,
) -> None:
    code, out = tmp_path / "code", RecordingOutput()
    code.mkdir()
    shutil.copy("/bin/busybox", code / "busybox")
    (code / "Dockerfile").write_text("FROM scratch\nCOPY . /code/\n")
    request = BuildRequest(launch=make_launch(dockerfile="Dockerfile"), code=code, destination=None)
    store = f"s3://{BUCKET}/deep/er"
    builder = KanikoBuilder(**settings, build_context_store=store)
    async with started(builder, aws_site):
        with anyio.fail_after(150):
            image = await builder.build(request, out)
        found = await builder.check()
    assert image.ref == f"{images.host}/{word}@{image.digest}"
    assert images.server.digest(image.ref) == image.digest
    assert LOGIN[1] not in out.text
    assert ("ok", f"store {store}") in [(one.level, one.subject) for one in found]
    assert isinstance(aws_site.environment, AwsEnvironment)
    s3 = await aws_site.environment.client("s3")
    assert "Contents" not in await s3.list_objects_v2(Bucket=BUCKET), "no context is left"
