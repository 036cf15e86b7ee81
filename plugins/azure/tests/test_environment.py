"""The environment `azure`: who it is, what it stores, and what it says if something is missing."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from azurite import ACCOUNT
from fake_entra import CLIENT, PRINCIPAL, TENANT, FakeEntra
from launchkit_azure.blob_address import BlobAddress
from launchkit_azure.blobs import BLOCK
from launchkit_azure.environment import AzureEnvironment

from launchkit.errors import ConfigError, LaunchError, Rejected
from launchkit.testing import site_at, started

from .conftest import Environments, Store
from .test_blob_contract import signature

ANYBODY = "00000000-1111-2222-3333-444444444444"
ROLE = f'--assignee {PRINCIPAL} --role "Storage Blob Data Contributor"'


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"tenant_id": "mine"}, "tenant_id: 'mine' is no id"),
        ({"client-id": "me"}, "client_id: 'me' is no id"),
        ({"cloud": "moon"}, "environment.cloud"),
        ({"blob_endpoint": "here"}, "blob_endpoint: 'here' is no URL"),
        ({"authority": "https://"}, "authority: 'https://' is no URL"),
        ({"tennant_id": ANYBODY}, "did you mean 'tenant_id'"),
    ],
)
def test_a_wrong_setting_is_told(settings: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(told)):
        AzureEnvironment.configured(
            settings, lambda path: ".".join(map(str, ("environment", *path)))
        )


def test_no_setting_is_required_and_the_one_of_wandb_is_taken() -> None:
    AzureEnvironment.configured({})
    AzureEnvironment.configured({"region": "westeurope"})


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("https://a.blob.core.windows.net/c-c/x", "'a' cannot be a storage account"),
        ("https://account.blob.core.windows.net", "it names no container"),
        ("https://account.blob.core.windows.net/", "it names no container"),
        ("https://account.blob.core.windows.net/ab/x", "'ab' cannot be a container"),
        ("https://account.blob.core.windows.net/a--b/x", "'a--b' cannot be a container"),
        ("https://account.blob.core.windows.net/Con/x", "'Con' cannot be a container"),
        ("https://account.blob.core.windows.net/con", "it names no file"),
        ("https://account.blob.core.windows.net/con/", "it names no file"),
        ("https://account.blob.core.windows.net/con/x?sig=s3cret", "AZURE_STORAGE_SAS_TOKEN"),
        ("http://account.blob.core.windows.net/con/x", "stores in Blob Storage only"),
        ("https://account.dfs.core.windows.net/con/x", "stores in Blob Storage only"),
        ("account.blob.core.windows.net/con/x", "stores in Blob Storage only"),
        ("s3://bucket/x", "stores in Blob Storage only"),
        (f"https://account.blob.core.windows.net/con/{'x' * 1025}", "more than 1024 characters"),
    ],
)
def test_an_address_that_names_no_file_of_blob_storage_is_told(address: str, told: str) -> None:
    with pytest.raises(Rejected, match=re.escape(told)) as caught:
        BlobAddress.parse(address)
    assert "s3cret" not in caught.value.message


async def test_an_address_of_another_cloud_is_told(
    environments: Environments, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    address = "https://account.blob.core.chinacloudapi.cn/con/x"
    async with environments() as azure:
        with pytest.raises(Rejected, match="is in another cloud") as caught:
            await azure.upload(tmp_path / "file", address)
    assert "china" in str(caught.value.hint)
    async with environments(cloud="china") as azure:
        assert azure.place.account_url("account") == "https://account.blob.core.chinacloudapi.cn"


def test_the_files_of_credentials_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_FEDERATED_TOKEN_FILE", raising=False)
    monkeypatch.setenv("AZURE_CONFIG_DIR", "/azure")
    monkeypatch.setenv("AZURE_CLIENT_CERTIFICATE_PATH", "/ann.pem")
    files = AzureEnvironment.user_files()
    assert {*map(str, files)} == {"/ann.pem", "/azure/msal_token_cache.json"}


async def test_a_check_tells_who_the_agent_is(
    environments: Environments, entra_id: FakeEntra
) -> None:
    async with environments(authority=entra_id.url) as azure:
        (found,) = await azure.check()
    assert (found.level, found.subject) == ("ok", "environment azure")
    assert found.message == f"works in the public cloud as {CLIENT} of tenant {TENANT}"
    assert entra_id.asked == ["https://storage.azure.com/.default"]


async def test_a_secret_that_is_refused_is_told_in_the_words_of_entra_id(
    environments: Environments, entra_id: FakeEntra, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "wr0ng")
    async with environments(authority=entra_id.url) as azure:
        (found,) = await azure.check()
    assert found.level == "error"
    assert "EnvironmentCredential: " in found.message
    assert "AADSTS7000215: Invalid client secret provided." in found.message
    assert "wr0ng" not in repr(found)


async def test_without_any_credentials_one_sentence_is_told_soon(
    environments: Environments,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    """All of the chain is tried, the machine's own address too, where nobody answers."""
    monkeypatch.delenv("AZURE_TOKEN_CREDENTIALS")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    async with environments() as azure:
        (found,) = await azure.check()
    assert (found.level, found.message) == (
        "error",
        "Entra ID: cannot get a token: there are no credentials",
    )
    assert "az login" in str(found.hint)
    assert "Traceback" not in caplog.text


async def test_with_a_key_no_token_is_needed(
    environments: Environments, store: Store, by_key: None
) -> None:
    async with environments(blob_endpoint=store.server.url) as azure:
        first, second = await azure.check()
        (found,) = await azure.check_store(store.address("deep/er"))
    assert first.message == "Blob Storage is asked with the key in AZURE_STORAGE_KEY"
    assert second.level == "warning", "a registry may have a login of its own"
    assert (found.level, found.subject) == ("ok", f"store {store.address('deep/er')}")
    assert not await store.names(), "to look writes nothing"


async def test_a_store_that_is_there_already_is_left_as_it_is(
    environments: Environments, store: Store, by_key: None
) -> None:
    await store.by_key.upload_blob("launchkit-check", b"mine")
    async with environments(blob_endpoint=store.server.url) as azure:
        (found,) = await azure.check_store(store.address())
    assert found.level == "ok"
    assert await store.read(store.address("launchkit-check")) == b"mine"


async def test_a_container_that_is_not_there_is_told(
    environments: Environments, store: Store, by_key: None, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    address = store.server.address("nowhere", "file")
    async with environments(blob_endpoint=store.server.url) as azure:
        with pytest.raises(Rejected, match="there is no container nowhere") as caught:
            await azure.upload(tmp_path / "file", address)
        (found,) = await azure.check_store(store.server.address("nowhere", ""))
    assert "az storage container create" in str(caught.value.hint)
    assert (found.level, found.message) == ("error", "there is no container nowhere")
    assert found.hint == caught.value.hint


async def test_what_a_signature_does_not_allow_is_told(
    environments: Environments, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", signature(store, "r"))
    async with environments(blob_endpoint=store.server.url) as azure:
        (found,) = await azure.check_store(store.address())
        with pytest.raises(LaunchError, match="cannot upload") as caught:
            await azure.upload(tmp_path / "file", store.address("file"))
    assert found.level == "error"
    assert found.message == f"the agent may not write, remove files in {store.container}"
    assert "AZURE_STORAGE_SAS_TOKEN" in str(found.hint)
    assert "sig=" not in f"{caught.value.message}{found}"


async def test_a_key_that_is_wrong_is_told_and_shown_nowhere(
    environments: Environments, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    wrong = "d3JvbmcgYnV0IGtlcHQgc2VjcmV0"
    monkeypatch.setenv("AZURE_STORAGE_KEY", wrong)
    async with environments(blob_endpoint=store.server.url) as azure:
        (found,) = await azure.check_store(store.address())
        with pytest.raises(LaunchError, match="Blob Storage: cannot upload") as caught:
            await azure.upload(tmp_path / "file", store.address("file"))
        assert wrong not in f"{azure!r}{azure.place!r}{caught.value}{found}"
    assert found.level == "error"


async def test_a_token_is_sent_over_tls_alone(
    environments: Environments, entra_id: FakeEntra
) -> None:
    async with environments(blob_endpoint="http://127.0.0.1:1", authority=entra_id.url) as azure:
        (found,) = await azure.check_store(f"https://{ACCOUNT}.blob.core.windows.net/con")
    assert "tokens are sent over TLS alone" in found.message


async def test_blob_storage_that_is_away_is_told_soon(
    environments: Environments, by_key: None
) -> None:
    async with environments(blob_endpoint="http://127.0.0.1:1") as azure:
        (found,) = await azure.check_store(f"https://{ACCOUNT}.blob.core.windows.net/con")
    assert found.level == "error"
    assert "Azure" in found.message or "127.0.0.1" in found.message


async def test_two_large_uploads_to_one_address_leave_one_of_them_whole(
    environments: Environments, store: Store, by_key: None, tmp_path: Path
) -> None:
    import anyio

    contents = [os.urandom(2 * BLOCK + 1) for _ in range(2)]
    async with (
        environments(blob_endpoint=store.server.url) as azure,
        anyio.create_task_group() as tasks,
    ):
        for number, content in enumerate([*contents, contents[0]]):
            path = tmp_path / f"{number}"
            path.write_bytes(content)
            tasks.start_soon(azure.upload, path, store.address("large"))
    assert await store.read(store.address("large")) in contents


async def test_nothing_of_azure_is_imported_before_it_is_asked(tmp_path: Path) -> None:
    program = (
        "import sys, launchkit_azure.environment, launchkit_azure.acr;"
        "print({name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not {"azure", "msal", "aiohttp", "httpx"} & eval(done.stdout)
    async with site_at(tmp_path) as site, started(AzureEnvironment(), site) as azure:
        assert azure.place.cloud.blob_suffix == "blob.core.windows.net"


async def test_the_identity_of_the_settings_is_the_one_that_is_asked_for(
    environments: Environments, monkeypatch: pytest.MonkeyPatch
) -> None:
    from launchkit_azure import clients

    asked: dict[str, Any] = {}
    made = clients.DefaultAzureCredential

    def noted(**settings: Any) -> Any:
        asked.update(settings)
        return made(**settings)

    monkeypatch.setattr(clients, "DefaultAzureCredential", noted)
    async with environments(tenant_id=ANYBODY, client_id=CLIENT) as azure:
        await azure.check()
    assert asked["managed_identity_client_id"] == CLIENT
    assert asked["workload_identity_tenant_id"] == ANYBODY
