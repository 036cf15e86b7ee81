"""What all tests of the plugin share: Google's services on this machine, and an environment that
asks them.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from launchkit_gcp.environment import GcpEnvironment
from surroundings import _own_home, anyio_backend, docker_engine, python_image

from launchkit.testing import RegistryServer, registry_server, site_at, started

from .fake_artifact_registry import USER, FakeArtifactRegistry
from .fake_google import PROJECT, REGION, FakeGoogle, key_file, new_key
from .fake_storage import FakeStorage

__all__ = ["_own_home", "anyio_backend", "docker_engine", "python_image"]

SERVICES = (
    "storage", "artifactregistry", "cloudresourcemanager", "docker", "iam", "iamcredentials",
)  # fmt: skip
Environments = Callable[..., AbstractAsyncContextManager[GcpEnvironment]]


@pytest.fixture(autouse=True)
def _own_google(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads the developer's credentials, or asks the machine's metadata address."""
    for name in [name for name in os.environ if name.startswith(("GOOGLE_", "CLOUDSDK_", "GCE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setattr("google.auth.compute_engine._metadata._NO_GCE_CHECK", True)


@pytest.fixture(scope="session")
def private_key() -> str:
    """A key that is slow to make."""
    return new_key()


@dataclass(frozen=True)
class World:
    """All of Google Cloud that tests ask."""

    google: FakeGoogle
    storage: FakeStorage
    images: FakeArtifactRegistry


@pytest.fixture
async def _world() -> AsyncIterator[World]:
    google = FakeGoogle()
    world = World(google, FakeStorage(google), FakeArtifactRegistry(google))
    async with google.serving():
        yield world


@pytest.fixture
def google(_world: World) -> FakeGoogle:
    """Who gives tokens and permissions."""
    return _world.google


@pytest.fixture
def storage(_world: World) -> FakeStorage:
    """Cloud Storage."""
    return _world.storage


@pytest.fixture
def images(_world: World) -> FakeArtifactRegistry:
    """Artifact Registry."""
    return _world.images


@pytest.fixture
def environments(
    google: FakeGoogle, private_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Environments:
    """Starts an environment whose services all are the fake's, but for those that *endpoint_urls*
    names, and whose default credentials are a key; other keywords are its settings.
    """
    file = key_file(tmp_path / "key.json", google.url, private_key)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))

    @asynccontextmanager
    async def environment(
        endpoint_urls: dict[str, str] | None = None, **settings: Any
    ) -> AsyncIterator[GcpEnvironment]:
        urls = dict.fromkeys(SERVICES, google.url) | (endpoint_urls or {})
        usual: dict[str, Any] = {"region": REGION, "project": PROJECT, "endpoint_urls": urls}
        made = GcpEnvironment(**usual | settings)
        async with site_at(tmp_path / "site") as site, started(made, site):
            yield made

    return environment


@pytest.fixture
async def gcp(environments: Environments) -> AsyncIterator[GcpEnvironment]:
    """A started environment, with the fake behind it."""
    async with environments() as environment:
        yield environment


@pytest.fixture(scope="session")
def _registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RegistryServer, Path]]:
    folder = tmp_path_factory.mktemp("registry")
    with registry_server(folder, login=(USER, "first")) as server:
        yield server, folder / "htpasswd"


@pytest.fixture
def served_images(
    images: FakeArtifactRegistry, _registry: tuple[RegistryServer, Path]
) -> FakeArtifactRegistry:
    """Artifact Registry with a real registry behind it."""
    images.served, images.htpasswd = _registry
    images.admit()
    return images
