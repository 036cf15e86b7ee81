"""Blob Storage keeps what the seam promises, with each kind of credentials."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azurite import ACCOUNT, KEY
from fake_entra import FakeEntra
from launchkit_azure.environment import AzureEnvironment

from launchkit.testing import EnvironmentContract

from .conftest import Environments, Store


class _Blobs(EnvironmentContract):
    @pytest.fixture
    def uri(self, store: Store) -> str:
        return store.address("some/file")

    @pytest.fixture
    def stored(self, store: Store) -> Callable[[str], Awaitable[bytes]]:
        return store.read


class TestByKey(_Blobs):
    @pytest.fixture
    async def environment(
        self, environments: Environments, store: Store, by_key: None
    ) -> AsyncIterator[AzureEnvironment]:
        async with environments(blob_endpoint=store.server.url) as environment:
            yield environment


class TestByToken(_Blobs):
    @pytest.fixture
    async def environment(
        self, environments: Environments, store: Store, entra_id: FakeEntra
    ) -> AsyncIterator[AzureEnvironment]:
        urls = {"blob_endpoint": store.server.url, "authority": entra_id.url}
        async with environments(**urls) as environment:
            yield environment


class TestBySignature(_Blobs):
    @pytest.fixture
    async def environment(
        self, environments: Environments, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> AsyncIterator[AzureEnvironment]:
        monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", signature(store, "rwd"))
        async with environments(blob_endpoint=store.server.url) as environment:
            yield environment


async def test_an_upload_takes_up_the_connection_of_the_one_before(
    environments: Environments, store: Store, by_key: None, tmp_path: Path
) -> None:
    (tmp_path / "source").write_bytes(b"x")
    async with environments(blob_endpoint=store.server.url) as environment:
        await environment.upload(tmp_path / "source", store.address("first"))
        before = sockets()
        for _ in range(3):
            await environment.upload(tmp_path / "source", store.address("next"))
        assert sockets() <= before


def sockets() -> int:
    return sum(path.is_socket() for path in Path("/dev/fd").iterdir())


def signature(store: Store, rights: str) -> str:
    from azure.storage.blob import ContainerSasPermissions, generate_container_sas

    return generate_container_sas(
        account_name=ACCOUNT,
        container_name=store.container,
        account_key=KEY,
        permission=ContainerSasPermissions.from_string(rights),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
