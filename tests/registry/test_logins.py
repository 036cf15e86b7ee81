"""Logins as launchkit writes them, read by a real Engine, which takes them to a real registry."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from docker_engine import Engine
from registry.conftest import PASSWORD, USER, Served
from registry.issuer import REFRESH

from launchkit.abc import Site
from launchkit.builtin.oci.registry import OciRegistry
from launchkit.images.login import docker_config, login_header
from launchkit.images.ref import ImageRef
from launchkit.model import Credentials, Secret
from launchkit.testing import site_at, started

GOOD = Credentials(username=USER, password=Secret(PASSWORD))
TOKEN = Credentials(username=Credentials.IDENTITY, password=Secret(REFRESH))
WAYS = [("password", GOOD), ("token", GOOD), ("token", TOKEN)]


@pytest.fixture(params=WAYS, ids=["password", "token-password", "token-identity"])
def way(request: pytest.FixtureRequest) -> tuple[Served, Credentials]:
    kind, login = request.param
    return request.getfixturevalue(f"{kind}_registry"), login


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with site_at(tmp_path / "site") as site:
        yield site


def test_an_engine_logs_in_with_the_header(
    way: tuple[Served, Credentials], docker_engine: Engine
) -> None:
    served, login = way
    ref = ImageRef.parse(f"{served.uri}:v1")

    def ask(login: Credentials | None) -> object:
        headers = {"X-Registry-Auth": login_header(login, ref)}
        answer = docker_engine.http.get(f"/distribution/{ref}/json", headers=headers)
        return answer.json()["Descriptor"]["digest"] if answer.is_success else None

    assert ask(login) == served.digests["v1"]
    assert ask(None) is None
    assert ask(Credentials(username=USER, password=Secret("wrong"))) is None


async def test_what_is_written_as_a_configuration_is_read_as_the_login_it_was(
    way: tuple[Served, Credentials], site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, login = way
    text = docker_config({ImageRef.parse(served.uri).registry: login})
    (tmp_path / "config.json").write_text(text)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    ca = str(served.ca) if served.ca else None
    async with started(OciRegistry(uri=served.uri, ca=ca), site) as registry:
        assert await registry.credentials() == login
        assert await registry.digest(registry.image_ref("v1")) == served.digests["v1"]
