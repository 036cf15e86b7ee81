"""Cloud Storage keeps what the seam promises, as its emulator and our fake have it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from anyio.lowlevel import checkpoint
from launchkit_gcp.environment import GcpEnvironment
from launchkit_gcp.storage import PART, GcsAddress
from waiting import PATIENCE

from launchkit.abc import Environment
from launchkit.testing import EnvironmentContract

from .conftest import Environments
from .fake_storage import FakeStorage

BUCKET = "contexts"
SIZES = (1, PART, PART + PART // 8 + 1)
Stored = Callable[[str], Awaitable[bytes]]


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    """The URL of the emulator, which knows no tokens."""
    from gcp_storage_emulator.server import create_server

    server = create_server("127.0.0.1", 0, in_memory=True, default_bucket=BUCKET)
    server.start()
    yield f"http://127.0.0.1:{server._api._httpd.server_address[1]}"
    server.stop()


class TestEmulator(EnvironmentContract):
    @pytest.fixture
    async def environment(
        self, emulator: str, environments: Environments
    ) -> AsyncIterator[GcpEnvironment]:
        async with environments({"storage": emulator}) as environment:
            yield environment

    @pytest.fixture
    def uri(self, emulator: str) -> str:
        httpx.get(f"{emulator}/wipe?keep-buckets=true", timeout=PATIENCE).raise_for_status()
        return f"gs://{BUCKET}/some/file"

    @pytest.fixture
    def stored(self, emulator: str) -> Stored:
        async def read(uri: str) -> bytes:
            at = GcsAddress.parse(uri)
            url = f"{emulator}/download/storage/v1/b/{at.bucket}/o/{quote(at.name, safe='')}"
            async with httpx.AsyncClient(timeout=PATIENCE) as client:
                answer = await client.get(url, params={"alt": "media"})
            return answer.raise_for_status().content

        return read

    @pytest.mark.parametrize("size", SIZES)
    async def test_a_file_arrives_as_it_is(
        self, environment: Environment, uri: str, there: Stored, tmp_path: Path, size: int
    ) -> None:
        """The emulator itself fails with a file that is empty; the fake does not."""
        await super().test_a_file_arrives_as_it_is(environment, uri, there, tmp_path, size)


class TestStorage(EnvironmentContract):
    @pytest.fixture
    def environment(self, gcp: GcpEnvironment) -> GcpEnvironment:
        return gcp

    @pytest.fixture
    def uri(self, storage: FakeStorage) -> str:
        storage.buckets[BUCKET] = ("europe-west4", "region")
        return f"gs://{BUCKET}/some/file"

    @pytest.fixture
    def stored(self, storage: FakeStorage) -> Stored:
        async def read(uri: str) -> bytes:
            at = GcsAddress.parse(uri)
            await checkpoint()  # others have their turn
            return storage.objects[at.bucket, at.name]

        return read
