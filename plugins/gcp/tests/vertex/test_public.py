"""Images that are not in Google's registries are looked at as anybody sees them."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from launchkit_gcp.vertex.public import check_public
from waiting import PATIENCE

from launchkit.errors import SubmitError
from launchkit.testing import RegistryServer, registry_server

MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.index.v1+json",
    "manifests": [],
}


@pytest.fixture
def public(tmp_path: Path) -> Iterator[RegistryServer]:
    """A registry that asks nobody who he is, with an image in it."""
    with registry_server(tmp_path / "public") as server:
        url = f"http://{server.host}/v2/train/manifests/1"
        headers = {"Content-Type": MANIFEST["mediaType"]}
        httpx.put(url, json=MANIFEST, headers=headers, timeout=PATIENCE).raise_for_status()
        yield server


def plain(host: str) -> bool:
    """The registries of this machine have no TLS."""
    return True


async def test_an_image_that_anybody_may_pull_is_taken(public: RegistryServer) -> None:
    assert await check_public(f"{public.host}/train:1", plain) is None


async def test_an_image_that_is_not_there_is_refused(public: RegistryServer) -> None:
    with pytest.raises(SubmitError, match="has no such image for everybody"):
        await check_public(f"{public.host}/train:2", plain)


async def test_an_image_behind_a_login_is_refused(tmp_path: Path) -> None:
    with (
        registry_server(tmp_path / "private", login=("ann", "secret")) as server,
        pytest.raises(SubmitError, match="does not give it to everybody") as caught,
    ):
        await check_public(f"{server.host}/train:1", plain)
    assert "Artifact Registry" in str(caught.value.hint)


async def test_a_registry_that_does_not_answer_stops_nothing() -> None:
    said = await check_public("127.0.0.1:9/train:1", plain)
    assert "cannot be told" in str(said)
