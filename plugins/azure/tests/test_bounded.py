"""Of what answers in Azure's place no more is read than Azure would say."""

import gzip
from collections.abc import Mapping
from contextlib import AsyncExitStack

import pytest
from fuzzing.answering import answering
from launchkit_azure import bounded
from launchkit_azure.clients import open_clients
from launchkit_azure.errors import AzureAway, explained
from launchkit_azure.place import AzurePlace
from saying import CRUMBS, saying

from launchkit.model import Secret

LONG = b"<a>" + b"x" * 5000 + b"</a>"
ENTITIES = "<!DOCTYPE a [<!ENTITY x 'xxxxxxxxx'>]><a>&x;&x;</a>"
PACKED = gzip.compress(LONG, mtime=0)


@pytest.mark.parametrize("status", [200, 403])
@pytest.mark.parametrize(
    ("body", "headers", "said"),
    [
        (LONG, {}, "more than 1000 bytes"),
        (PACKED, {"Content-Encoding": "gzip"}, "packed, which was not asked for"),
        (ENTITIES.encode(), {}, "defines entities"),
        (ENTITIES.encode("utf-16"), {}, "defines entities"),
    ],
    ids=["long", "packed", "entities", "entities in UTF-16"],
)
async def test_of_what_azure_answers_no_more_is_read_than_it_would_say(
    monkeypatch: pytest.MonkeyPatch, body: bytes, headers: Mapping[str, str], said: str, status: int
) -> None:
    monkeypatch.setattr(bounded, "LONGEST_ANSWER", 1000)
    monkeypatch.setattr("launchkit_azure.clients.TRIES", 1)
    with answering() as server:
        server.status, server.headers, server.body = status, headers, body
        place = AzurePlace(blob_endpoint=f"{server.url}/acct", storage_key=Secret("a2V5"))
        async with AsyncExitStack() as stack:
            account = (await open_clients(stack, place)).account("acct")
            with pytest.raises(AzureAway, match=said), explained("Blob Storage"):
                await account.get_account_information()


async def test_who_begins_tls_in_very_many_records_in_place_of_azure_is_hung_up_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("launchkit_azure.clients.TRIES", 1)
    async with saying(CRUMBS) as server, AsyncExitStack() as stack:
        place = AzurePlace(blob_endpoint=f"https://{server}/acct", storage_key=Secret("a2V5"))
        account = (await open_clients(stack, place)).account("acct")
        with pytest.raises(AzureAway, match="too many TLS records"), explained("Blob Storage"):
            await account.get_account_information()
