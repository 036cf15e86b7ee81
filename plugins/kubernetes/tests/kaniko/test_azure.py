"""Builds on the real cluster as on Azure: the context in Blob Storage, the image to Container
Registry.
"""

import json
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import launchkit_azure
import launchkit_kubernetes
import pytest
import yaml
from azurite import ACCOUNT, KEY, Azurite, azurite
from fake_acr import FakeAcr, acr
from fake_entra import FakeEntra, entra
from launchkit_azure.acr import AcrRegistry
from launchkit_azure.environment import AzureEnvironment
from launchkit_kubernetes.builder import KanikoBuilder
from pages import ROOT
from served import certify

import launchkit
from launchkit import Agent
from launchkit.abc import Site
from launchkit.model import BuildRequest, ItemState
from launchkit.plugins import Plugins
from launchkit.settings import load_settings
from launchkit.testing import (
    RecordingOutput,
    RegistryServer,
    make_launch,
    site_at,
    started,
)

from ..cluster.access import Access
from .conftest import Left
from .registries import near
from .test_journey import ENTRY, printed, repository

SEED = ROOT / "tests" / "data" / "seed"
CONTAINER = "contexts"


@pytest.fixture
def blobs(cluster: Access, tmp_path: Path) -> Iterator[Azurite]:
    """Blob Storage that pods reach, too."""
    with azurite(tmp_path / "azurite") as server:
        host = server.url.removeprefix("http://")
        with near(RegistryServer(host=host), cluster, tmp_path / "blobs"):
            yield server


@pytest.fixture
def images(cluster: Access, tmp_path: Path) -> Iterator[FakeAcr]:
    """A registry that pods reach, too."""
    with (
        acr(tmp_path / "acr") as fake,
        near(RegistryServer(host=fake.host), cluster, tmp_path / "images"),
    ):
        yield fake


@pytest.fixture
def entra_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEntra]:
    for name in [name for name in os.environ if name.startswith("AZURE_")]:
        monkeypatch.delenv(name)
    with entra(certify(tmp_path)) as fake:
        for name, text in {**fake.variables, "AZURE_STORAGE_KEY": KEY}.items():
            monkeypatch.setenv(name, text)
        yield fake


@pytest.fixture
async def azure_site(
    blobs: Azurite, images: FakeAcr, entra_id: FakeEntra, word: str, tmp_path: Path
) -> AsyncIterator[Site]:
    environment = AzureEnvironment(
        blob_endpoint=blobs.url, authority=entra_id.url, ca=str(tmp_path / "ca.pem")
    )
    registry = AcrRegistry(uri=f"https://lk.azurecr.io/{word}", host=images.host)
    async with site_at(tmp_path / "azure") as bare, started(environment, bare):
        site = replace(bare, environment=environment)
        async with started(registry, site):
            yield replace(site, registry=registry)


@asynccontextmanager
async def contexts(blobs: Azurite) -> AsyncIterator[Any]:
    """A new container."""
    from azure.storage.blob.aio import ContainerClient

    key = {"account_name": ACCOUNT, "account_key": KEY}
    url = f"{blobs.url}/{ACCOUNT}"
    async with ContainerClient(url, CONTAINER, credential=key) as container:
        await container.create_container()
        yield container


async def test_the_context_goes_through_blob_storage_and_the_image_to_acr(
    azure_site: Site,
    settings: dict[str, Any],
    blobs: Azurite,
    images: FakeAcr,
    tmp_path: Path,
    left: Left,
) -> None:
    code, out = tmp_path / "code", RecordingOutput()
    code.mkdir()
    shutil.copy("/bin/busybox", code / "busybox")
    (code / "Dockerfile").write_text("FROM scratch\nCOPY . /code/\n")
    request = BuildRequest(launch=make_launch(dockerfile="Dockerfile"), code=code, destination=None)
    store = blobs.address(CONTAINER, "deep/er")
    builder = KanikoBuilder(**settings, build_context_store=store)
    async with contexts(blobs) as container, started(builder, azure_site):
        with anyio.fail_after(150):
            image = await builder.build(request, out)
        found = await builder.check()
        assert [one async for one in container.list_blob_names()] == [], "no context is left"
    assert image.ref.startswith(f"{images.host}/")
    assert azure_site.registry is not None
    assert await azure_site.registry.digest(image.ref) == image.digest
    assert KEY not in out.text
    assert "sig=" not in out.text
    assert ("ok", f"store {store}") in [(one.level, one.subject) for one in found]
    assert not left(), "neither the link nor the login is left"


async def test_a_launch_goes_from_a_repository_by_azure_to_a_job(
    settings: dict[str, Any],
    blobs: Azurite,
    images: FakeAcr,
    entra_id: FakeEntra,
    word: str,
    tmp_path: Path,
) -> None:
    """With the configuration of the requirements, and where the stand-ins answer."""
    content = yaml.safe_load((SEED / "azure.yaml").read_text(encoding="utf-8"))
    content["environment"] |= {
        "blob_endpoint": blobs.url,
        "authority": entra_id.url,
        "ca": str(tmp_path / "ca.pem"),
    }
    destination = content["builder"]["destination"].replace("<registry-name>", "lk")
    content["registry"] = {
        "type": "acr",
        "uri": destination.replace("<repository-name>", word),
        "host": images.host,
    }
    store = content["builder"]["build-context-store"]
    store = store.replace("<storage-account-name>", ACCOUNT).replace("<container-name>", CONTAINER)
    content["builder"] = {"type": "kaniko", "build-context-store": store, **settings}
    access = {key: settings[key] for key in ("config_file", "namespace")}
    content |= {
        "backend": f"sqlite:///{tmp_path}/launchkit.db",
        "queues": ["q"],
        "state_dir": str(tmp_path / "state"),
        "cache_dir": str(tmp_path / "cache"),
        "runners": {"kubernetes": access},
    }
    (tmp_path / "launch-config.yaml").write_text(json.dumps(content))
    plugins = Plugins(launchkit_kubernetes, launchkit_azure, entry_points=False)
    loaded = load_settings(tmp_path / "launch-config.yaml", environ={}, plugins=plugins).settings
    uri = repository(tmp_path / "repository")
    async with (
        contexts(blobs) as container,
        launchkit.connect(f"sqlite:///{tmp_path}/launchkit.db") as client,
    ):
        await client.create_queue("q", "kubernetes", {"spec": {"ttlSecondsAfterFinished": 0}})
        async with Agent(loaded, plugins=plugins):
            run = await client.launch("q", uri=uri, entry_point=ENTRY)
            with anyio.fail_after(300):
                ended = await run.wait()
        told = await printed(run)
        assert ended.state is ItemState.FINISHED, (ended.message, told)
        assert told.rstrip().endswith("it ran in the image")
        assert [one async for one in container.list_blob_names()] == [], "no context is left"
    assert images.exchanges
