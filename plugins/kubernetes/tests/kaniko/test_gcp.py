"""Builds on the real cluster as on Google Cloud: the context in Cloud Storage, the image to
Artifact Registry.
"""

import json
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from launchkit_gcp.environment import GcpEnvironment
from launchkit_gcp.gcr import GcrRegistry
from launchkit_kubernetes.builder import KanikoBuilder
from waiting import PATIENCE

from launchkit.abc import Site
from launchkit.model import BuildRequest
from launchkit.testing import RecordingOutput, RegistryServer, make_launch, site_at, started

from ..cluster.access import Access
from .registries import NearRegistry, near, near_registry

PROJECT, REGION, BUCKET = "my-project", "europe-west4", "contexts"
TOKEN = "a-token-of-a-test"
LOGIN = ("oauth2accesstoken", TOKEN)


@pytest.fixture
def storage(cluster: Access, tmp_path: Path) -> Iterator[str]:
    """The URL of a Cloud Storage that pods reach, too."""
    from gcp_storage_emulator.server import create_server

    server = create_server("127.0.0.1", 0, in_memory=True, default_bucket=BUCKET)
    server.start()
    host = f"127.0.0.1:{server._api._httpd.server_address[1]}"
    with near(RegistryServer(host=host), cluster, tmp_path / "storage"):
        yield f"http://{host}"
    server.stop()


@pytest.fixture
def images(cluster: Access, tmp_path: Path) -> Iterator[NearRegistry]:
    """A registry whose login is that of Artifact Registry."""
    with near_registry(cluster, tmp_path / "images", LOGIN) as registry:
        yield registry


@pytest.fixture
async def google() -> AsyncIterator[str]:
    """The URL of what gives tokens, and has one repository."""

    async def token(request: web.Request) -> web.Response:
        return web.json_response({"access_token": TOKEN, "expires_in": 3599})

    async def repository(request: web.Request) -> web.Response:
        return web.json_response({"format": "DOCKER"})

    async def permissions(request: web.Request) -> web.Response:
        return web.json_response(await request.json())

    app = web.Application()
    app.router.add_post("/token", token)
    app.router.add_get("/v1/{name:.+}", repository)
    app.router.add_post("/v1/{name:.+}", permissions)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
def key(google: str, tmp_path: Path) -> Path:
    """A key of a service account."""
    pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    told = {
        "type": "service_account",
        "private_key": pem.decode(),
        "client_email": f"agent@{PROJECT}.iam.gserviceaccount.com",
        "token_uri": f"{google}/token",
    }
    path = tmp_path / "key.json"
    path.write_text(json.dumps(told))
    return path


@pytest.fixture
async def gcp_site(
    storage: str, google: str, images: NearRegistry, key: Path, word: str, tmp_path: Path
) -> AsyncIterator[Site]:
    environment = GcpEnvironment(
        region=REGION,
        project=PROJECT,
        service_account_file=str(key),
        endpoint_urls={
            "storage": storage,
            "artifactregistry": google,
            "docker": f"http://{images.host}",
        },
    )
    registry = GcrRegistry(repository="launch", image_name=word, host=images.host)
    async with site_at(tmp_path / "gcp") as bare, started(environment, bare):
        site = replace(bare, environment=environment)
        async with started(registry, site):
            yield replace(site, registry=registry)


async def test_the_context_goes_through_cloud_storage_and_the_image_to_artifact_registry(
    gcp_site: Site,
    settings: dict[str, Any],
    images: NearRegistry,
    tmp_path: Path,
    word: str,
) -> None:
    code, out = tmp_path / "code", RecordingOutput()
    code.mkdir()
    shutil.copy("/bin/busybox", code / "busybox")
    (code / "Dockerfile").write_text("FROM scratch\nCOPY . /code/\n")
    request = BuildRequest(launch=make_launch(dockerfile="Dockerfile"), code=code, destination=None)
    store = f"gs://{BUCKET}/deep/er"
    builder = KanikoBuilder(**settings, build_context_store=store)
    async with started(builder, gcp_site):
        with anyio.fail_after(150):
            image = await builder.build(request, out)
        found = await builder.check()
    assert image.ref == f"{images.host}/{PROJECT}/launch/{word}@{image.digest}"
    assert images.server.digest(image.ref) == image.digest
    assert TOKEN not in out.text
    assert f"store {store}" in [one.subject for one in found]
    assert not [one for one in found if one.level == "error"]
    assert isinstance(gcp_site.environment, GcpEnvironment)
    async with httpx.AsyncClient(
        base_url=gcp_site.environment.place.url("storage"), timeout=PATIENCE
    ) as client:
        answer = await client.get(f"/storage/v1/b/{BUCKET}/o")
    assert answer.json()["items"] == [], "no context is left"
