"""What all tests of the plugin share: Azurite, stand-ins for Entra ID and Container Registry, and
an environment that asks them.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from azurite import KEY, Azurite, azurite
from fake_acr import FakeAcr, acr
from fake_entra import FakeEntra, entra
from launchkit_azure.environment import AzureEnvironment
from served import certify
from surroundings import _own_home, anyio_backend, docker_engine, python_image

from launchkit.testing import site_at, started

__all__ = ["_own_home", "anyio_backend", "docker_engine", "python_image"]

Environments = Callable[..., AbstractAsyncContextManager[AzureEnvironment]]
OF_AZURE = ("AZURE_", "MSI_", "IDENTITY_", "IMDS_")


@pytest.fixture(autouse=True)
def _own_azure(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads the developer's credentials, or asks the machine's metadata address."""
    for name in [name for name in os.environ if name.startswith(OF_AZURE)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certify(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="session")
def _azurite(tmp_path_factory: pytest.TempPathFactory, certificate: Path) -> Iterator[Azurite]:
    with azurite(tmp_path_factory.mktemp("azurite"), certificate) as server:
        yield server


@pytest.fixture
def entra_id(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEntra]:
    """Entra ID, and the variables of a principal whom it knows."""
    with entra(certificate) as fake:
        for name, text in fake.variables.items():
            monkeypatch.setenv(name, text)
        yield fake


@dataclass(frozen=True)
class Store:
    """A container of the test's own."""

    server: Azurite
    container: str
    by_key: Any
    """Its client, with the account's key."""

    def address(self, name: str = "") -> str:
        return self.server.address(self.container, name)

    async def read(self, uri: str) -> bytes:
        """What is at an address."""
        name = uri.removeprefix(self.address())
        return bytes(await (await self.by_key.download_blob(name)).readall())

    async def names(self) -> list[str]:
        return [found async for found in self.by_key.list_blob_names()]


@pytest.fixture
async def store(_azurite: Azurite) -> AsyncIterator[Store]:
    from azure.storage.blob.aio import ContainerClient
    from azurite import ACCOUNT

    name = f"test-{uuid4().hex[:12]}"
    url = f"{_azurite.url}/{ACCOUNT}"
    login = {"account_name": ACCOUNT, "account_key": KEY}
    async with ContainerClient(
        url, name, credential=login, connection_verify=str(_azurite.ca), retry_total=1
    ) as client:
        await client.create_container()
        yield Store(_azurite, name, client)


@pytest.fixture
def by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent has the key of the storage account."""
    monkeypatch.setenv("AZURE_STORAGE_KEY", KEY)


@pytest.fixture
def environments(certificate: Path, tmp_path: Path) -> Environments:
    """Starts an environment that trusts the stand-ins; keywords are its settings."""

    @asynccontextmanager
    async def environment(**settings: Any) -> AsyncIterator[AzureEnvironment]:
        made = AzureEnvironment(**{"ca": str(certificate.with_name("ca.pem"))} | settings)
        async with site_at(tmp_path / "site") as site, started(made, site):
            yield made

    return environment


@pytest.fixture(scope="session")
def _acr(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeAcr]:
    with acr(tmp_path_factory.mktemp("acr")) as fake:
        yield fake


@pytest.fixture
def azure_registry(_acr: FakeAcr, monkeypatch: pytest.MonkeyPatch) -> FakeAcr:
    """Azure Container Registry, as it is before a test changes anything."""
    for name in ("names", "seconds", "actions", "passwords", "exchanges", "closed"):
        kept = getattr(_acr, name)
        monkeypatch.setattr(_acr, name, type(kept)(kept))
    monkeypatch.setattr(_acr, "exchanges", 0)
    return _acr
