"""The registry `acr`: its names, the exchange of tokens, and the rights that are missing."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from anyio.to_thread import run_sync
from fake_acr import USER, FakeAcr
from fake_entra import PRINCIPAL, FakeEntra
from launchkit_azure.acr import AcrRegistry
from launchkit_azure.acr_names import AcrRepository

from launchkit.builtin.oci.registry import OciRegistry
from launchkit.errors import ConfigError, LaunchError
from launchkit.testing import site_at, started

from .conftest import Environments

SCOPE = "https://containerregistry.azure.net/.default"


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("https://reg.azurecr.io/launch", "reg.azurecr.io/launch"),
        ("reg.azurecr.io/team/launch", "reg.azurecr.io/team/launch"),
        ("MyReg.azurecr.io/a/b.c/d_e-f/", "myreg.azurecr.io/a/b.c/d_e-f"),
        ("reg-h1a2s3h4.azurecr.io/launch", "reg-h1a2s3h4.azurecr.io/launch"),
        ("reg.azurecr.cn/launch", "reg.azurecr.cn/launch"),
        ("reg.azurecr.us/launch", "reg.azurecr.us/launch"),
    ],
)
def test_a_repository_is_read_in_all_forms_in_which_people_write_it(text: str, uri: str) -> None:
    assert AcrRepository.parse(text).uri == uri
    assert AcrRegistry.repository_of(text.removeprefix("https://")) == uri
    assert AcrRegistry(uri=text).image_ref("t") == f"{uri}:t"
    assert AcrRegistry.answers_for(uri)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("reg.azurecr.io", "names no repository: must be REGISTRY.azurecr.io/REPOSITORY"),
        ("https://reg.azurecr.io/", "names no repository"),
        ("reg.azurecr.com/x", "must be REGISTRY.azurecr.io/REPOSITORY"),
        ("azurecr.io/x", "must be REGISTRY.azurecr.io/REPOSITORY"),
        ("reg.azurecr.io/launch:tag", "cannot be a repository"),
        ("reg.azurecr.io/Launch", "cannot be a repository"),
        ("reg.azurecr.io/a//b", "cannot be a repository"),
        (f"reg.azurecr.io/{'x' * 300}", "cannot be a repository"),
    ],
)
def test_what_names_no_repository_is_told(text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(told)):
        AcrRegistry.configured({"uri": text})
    assert not re.search(r"\.azurecr\.com", AcrRegistry.hosts[0])


async def test_it_needs_the_environment(tmp_path: Path) -> None:
    async with site_at(tmp_path) as site:
        with pytest.raises(ConfigError, match=r"registry acr needs environment: \{type: azure\}"):
            async with started(AcrRegistry(uri="reg.azurecr.io/launch"), site):
                pass


@pytest.fixture
def name() -> str:
    return f"lk/{uuid4().hex[:12]}"


@asynccontextmanager
async def at(
    environments: Environments, acr: FakeAcr, entra: FakeEntra, name: str, *, builds: bool = True
) -> AsyncIterator[AcrRegistry]:
    made = AcrRegistry(uri=f"lk.azurecr.io/{name}", host=acr.host)
    async with environments(authority=entra.url) as azure, site_at(Path.home() / "agent") as bare:
        site = replace(bare, environment=azure, builds=builds)
        async with started(made, site) as registry:
            yield registry


async def test_a_token_of_entra_id_is_exchanged_once_for_a_login_of_hours(
    environments: Environments, azure_registry: FakeAcr, entra_id: FakeEntra, name: str
) -> None:
    await run_sync(azure_registry.server(name).push, name, "v1")
    async with at(environments, azure_registry, entra_id, name) as registry:
        assert await registry.exists(f"{azure_registry.host}/{name}:v1")
        login = await registry.credentials()
        assert await registry.credentials() == login
    assert login is not None
    assert login.username == USER
    assert azure_registry.exchanges == 1
    assert entra_id.asked == [SCOPE]


async def test_who_may_do_all_is_told_so(
    environments: Environments, azure_registry: FakeAcr, entra_id: FakeEntra, name: str
) -> None:
    async with at(environments, azure_registry, entra_id, name) as registry:
        found = await registry.check()
    assert [one.level for one in found] == ["ok"] * 3
    assert [one.message for one in found[1:]] == [f"may pull from {name}", f"may push to {name}"]


async def test_a_right_that_is_missing_is_told_with_the_command_that_gives_it(
    environments: Environments, azure_registry: FakeAcr, entra_id: FakeEntra, name: str
) -> None:
    azure_registry.actions = frozenset({"pull"})
    async with at(environments, azure_registry, entra_id, name) as registry:
        found = await registry.check()
    assert [one.level for one in found] == ["ok", "ok", "error"]
    assert found[2].message == f"may not push to {name} (HTTP 401)"
    assert f"--assignee {PRINCIPAL} --role AcrPush" in str(found[2].hint)


async def test_who_only_pulls_needs_the_lesser_role(
    environments: Environments, azure_registry: FakeAcr, entra_id: FakeEntra, name: str
) -> None:
    azure_registry.actions = frozenset()
    async with at(environments, azure_registry, entra_id, name, builds=False) as registry:
        found = await registry.check()
    assert [one.level for one in found] == ["ok", "error"]
    assert "--role AcrPull" in str(found[1].hint)


async def test_a_registry_that_lets_nobody_in_is_told(
    environments: Environments, azure_registry: FakeAcr, entra_id: FakeEntra, name: str
) -> None:
    azure_registry.closed = True
    async with at(environments, azure_registry, entra_id, name) as registry:
        (found,) = await registry.check()
        with pytest.raises(LaunchError, match=r"does not accept .* \(HTTP 401\)"):
            await registry.exists(registry.image_ref("v1"))
    assert found.level == "error"
    assert "--role AcrPush" in str(found.hint)


async def test_no_other_host_gets_the_login(
    environments: Environments, azure_registry: FakeAcr, entra_id: FakeEntra, name: str
) -> None:
    async with at(environments, azure_registry, entra_id, name) as registry:
        service = await registry._service.opened()
        assert await service.known("registry.example.com") is None
    assert azure_registry.exchanges == 0


async def test_a_token_with_a_scope_map_pushes_as_a_plain_user(
    azure_registry: FakeAcr, name: str, tmp_path: Path
) -> None:
    azure_registry.passwords["ci"] = "its-password"
    settings = {"uri": f"{azure_registry.host}/{name}", "username": "ci"}
    made = OciRegistry(**settings, password="its-password")  # type: ignore[arg-type] # made a Secret
    async with site_at(tmp_path / "agent") as site, started(made, site) as registry:
        assert [one.level for one in await registry.check()] == ["ok"] * 3
