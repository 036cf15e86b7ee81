"""Links to files: who has one reads the file, for as long as it holds."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from azurite import KEY
from fake_entra import FakeEntra
from waiting import PATIENCE

from .conftest import Environments, Store
from .test_blob_contract import signature

BLOCK_BLOB = {"x-ms-blob-type": "BlockBlob"}


@pytest.mark.parametrize("way", ["key", "token", "signature"])
async def test_whoever_has_a_link_reads_the_file_and_no_other(
    environments: Environments,
    store: Store,
    entra_id: FakeEntra,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    way: str,
) -> None:
    if way == "key":
        monkeypatch.setenv("AZURE_STORAGE_KEY", KEY)
    elif way == "signature":
        monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", signature(store, "rwd"))
    (tmp_path / "file").write_text("what is in it")
    uri = store.address("deep/a b+c")
    urls = {"blob_endpoint": store.server.url, "authority": entra_id.url}
    async with environments(**urls) as azure:
        await azure.upload(tmp_path / "file", uri)
        link = await azure.link(uri, 60)
    assert "sig=" not in repr(link)
    address = str.__str__(link)
    async with httpx.AsyncClient(verify=_trusting(store), timeout=PATIENCE) as client:
        assert (await client.get(address)).text == "what is in it"
        if way != "signature":
            assert (await client.put(address, content=b"x", headers=BLOCK_BLOB)).status_code == 403
            other = address.replace("deep/", "deeper/")
            assert (await client.get(other)).status_code == 403


async def test_a_link_ends_when_it_is_said_to(
    environments: Environments, store: Store, by_key: None
) -> None:
    async with environments(blob_endpoint=store.server.url) as azure:
        link = await azure.link(store.address("file"), 3600)
    ends = datetime.fromisoformat(httpx.URL(str.__str__(link)).params["se"])
    assert 3500 < (ends - datetime.now(UTC)).total_seconds() <= 3600


def _trusting(store: Store) -> Any:
    import ssl

    return ssl.create_default_context(cafile=store.server.ca)
