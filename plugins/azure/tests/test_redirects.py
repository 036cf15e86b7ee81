"""What is sent to Blob Storage is sent nowhere else by what answers there."""

from contextlib import AsyncExitStack
from typing import Any

import pytest
from fuzzing.answering import answering
from launchkit_azure.clients import open_clients
from launchkit_azure.errors import AzureError, explained
from launchkit_azure.place import AzurePlace

from launchkit.model import Secret

KEY = {"storage_key": Secret("a2V5")}
SIGNATURE = {"storage_sas": Secret("sv=2024-11-04&sp=rw&sig=c2VjcmV0")}


@pytest.mark.parametrize("login", [KEY, SIGNATURE], ids=["key", "signature"])
@pytest.mark.parametrize("status", [302, 307])
async def test_what_is_sent_to_blob_storage_follows_no_redirect(
    monkeypatch: pytest.MonkeyPatch, status: int, login: dict[str, Any]
) -> None:
    monkeypatch.setattr("launchkit_azure.clients.TRIES", 1)
    with answering() as leading, answering() as elsewhere:
        leading.status, leading.headers = status, {"Location": elsewhere.url}
        place = AzurePlace(blob_endpoint=f"{leading.url}/acct", **login)
        async with AsyncExitStack() as stack:
            account = (await open_clients(stack, place)).account("acct")
            blob = account.get_blob_client(container="c", blob="b")
            with pytest.raises(AzureError), explained("Blob Storage"):
                await blob.get_blob_properties()
            with pytest.raises(AzureError), explained("Blob Storage"):
                await blob.upload_blob(b"code")
        assert (leading.asked > 0, elsewhere.asked) == (True, 0)
