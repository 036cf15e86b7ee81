"""The registry `oci`, against registries that run."""

import base64
import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from depots import ServedDepot
from ports import free_port
from registry.conftest import PASSWORD, USER, Served
from registry.issuer import REFRESH

from launchkit.abc import Registry, Site
from launchkit.builtin.oci.registry import OciRegistry
from launchkit.codec import decode
from launchkit.errors import ConfigError, LaunchError
from launchkit.testing import RegistryContract, relay, site_at, started

TLS_ANSWER = b"\x16\x03\x03"
KINDS = ("open", "password", "token")


@pytest.fixture(autouse=True)
def _no_docker_config(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DOCKER_CONFIG", "LAUNCHKIT_REGISTRY_USERNAME", "LAUNCHKIT_REGISTRY_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with site_at(tmp_path / "site") as site:
        yield site


@pytest.fixture
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Write a configuration of Docker, and programs that keep logins."""

    def write(config: Mapping[str, Any], helper: str = "") -> None:
        folder = tmp_path / "docker"
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(json.dumps(config))
        program = folder / "docker-credential-test"
        program.write_text(f"#!/bin/sh\nread -r host || :\n{helper}\n")
        program.chmod(0o755)
        monkeypatch.setenv("DOCKER_CONFIG", str(folder))
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    return write


def settings(served: Served) -> dict[str, Any]:
    found: dict[str, Any] = {"uri": served.uri}
    if served.ca:
        found["ca"] = str(served.ca)
    if served.login or served.issuer:
        found |= {"username": USER, "password": PASSWORD}
    return found


class TestOciRegistry(RegistryContract):
    @pytest.fixture(params=KINDS)
    def served(self, request: pytest.FixtureRequest) -> Served:
        found: Served = request.getfixturevalue(f"{request.param}_registry")
        return found

    @pytest.fixture
    async def depot(self, served: Served, tmp_path: Path) -> AsyncIterator[ServedDepot]:
        async with ServedDepot.of(served, tmp_path / "password") as depot:
            yield depot

    @pytest.fixture
    async def registry(self, depot: ServedDepot, site: Site) -> AsyncIterator[Registry]:
        async with started(OciRegistry(**depot.settings), site) as registry:
            yield registry

    async def test_the_digest_is_that_of_the_manifest(
        self, registry: OciRegistry, depot: ServedDepot
    ) -> None:
        digest = await depot.push("v1")
        assert await registry.digest(registry.image_ref("v1")) == digest
        assert await registry.digest(registry.image_ref("v2")) is None
        assert await registry.exists(f"{registry.uri}@{digest}")
        assert not await registry.exists(f"{registry.uri}@sha256:{'0' * 64}")

    async def test_a_check_finds_all_in_order_and_leaves_nothing_behind(
        self, registry: Registry, depot: ServedDepot, place: Path
    ) -> None:
        findings = await registry.check()
        assert [finding.level for finding in findings] == ["ok"] * 3, findings
        assert findings[1].message == f"may pull from {depot.served.path}"
        assert findings[2].message == f"may push to {depot.served.path}"
        assert [*place.rglob("_uploads/*/data")] == []


@pytest.mark.parametrize("kind", ["password", "token"])
async def test_a_wrong_password_is_told_without_being_shown(
    kind: str, request: pytest.FixtureRequest, site: Site
) -> None:
    served: Served = request.getfixturevalue(f"{kind}_registry")
    wrong = {**settings(served), "password": "hunter2"}
    async with started(OciRegistry(**wrong), site) as registry:
        [finding] = await registry.check()
        with pytest.raises(LaunchError) as failed:
            await registry.exists(served.uri)
    assert finding.level == "error"
    assert "not accept" in finding.message
    assert "hunter2" not in f"{finding}{failed.value!r}{failed.value.hint}{registry!r}"


async def test_no_login_where_one_is_wanted_is_told(password_registry: Served, site: Site) -> None:
    registry = OciRegistry(uri=password_registry.uri, ca=str(password_registry.ca))
    async with started(registry, site):
        [finding] = await registry.check()
        assert await registry.credentials() is None
    assert finding.message == "it wants a login, and there is none"


async def test_a_connection_that_breaks_leaves_no_wrong_guess_about_tls(
    password_registry: Served, site: Site
) -> None:
    async with relay(password_registry.host) as way:
        way.break_before(TLS_ANSWER)
        uri = f"{way.host}/{password_registry.path}"
        registry = OciRegistry(**settings(password_registry) | {"uri": uri})
        async with started(registry, site):
            with suppress(LaunchError):
                await registry.exists(registry.image_ref("v1"))
            assert await registry.exists(registry.image_ref("v1"))


async def test_a_login_that_may_only_pull_is_told(token_registry: Served, site: Site) -> None:
    issuer = token_registry.issuer
    assert issuer
    rights, issuer.rights = issuer.rights, {"pull"}
    try:
        async with started(OciRegistry(**settings(token_registry)), site) as registry:
            findings = await registry.check()
    finally:
        issuer.rights = rights
    assert [finding.level for finding in findings] == ["ok", "ok", "error"]
    assert findings[2].message == "may not push to lk/job (HTTP 401)"


async def test_the_right_to_push_is_not_asked_for_where_nothing_is_built(
    open_registry: Served, site: Site
) -> None:
    site = replace(site, builds=False)
    async with started(OciRegistry(**settings(open_registry)), site) as registry:
        findings = await registry.check()
    assert [finding.message for finding in findings[1:]] == ["may pull from lk/job"]


async def test_a_token_is_used_again_while_it_lives(token_registry: Served, site: Site) -> None:
    issuer = token_registry.issuer
    assert issuer
    async with started(OciRegistry(**settings(token_registry)), site) as registry:
        issuer.asked.clear()
        for tag in ("v1", "v2", "v3"):
            await registry.exists(registry.image_ref(tag))
    assert issuer.asked == [("GET", "repository:lk/job:pull")]


async def test_an_identity_token_is_exchanged_for_one_of_the_right_scope(
    token_registry: Served, site: Site, docker_config: Callable[..., None]
) -> None:
    issuer = token_registry.issuer
    assert issuer
    docker_config({"auths": {token_registry.host: {"identitytoken": REFRESH}}})
    async with started(OciRegistry(uri=token_registry.uri), site) as registry:
        issuer.asked.clear()
        assert await registry.exists(registry.image_ref("v1"))
        login = await registry.credentials()
    assert issuer.asked == [("POST", "repository:lk/job:pull")]
    assert login
    assert (login.username, str.__str__(login.password)) == ("<token>", REFRESH)


def ways(served: Served, folder: Path) -> Mapping[str, tuple[dict[str, Any], dict[str, str]]]:
    """Settings and variables that hold a login, by what they are called."""
    (folder / "password").write_text(f"{PASSWORD}\n")
    own = {"uri": served.uri, "ca": str(served.ca)}
    env = {"LAUNCHKIT_REGISTRY_USERNAME": USER, "LAUNCHKIT_REGISTRY_PASSWORD": PASSWORD}
    return {
        "password": ({**own, "username": USER, "password": PASSWORD}, {}),
        "file": ({**own, "username": USER, "password_file": str(folder / "password")}, {}),
        "variable": ({**own, "username": USER, "password_env": "PW"}, {"PW": PASSWORD}),
        "environment": (own, env),
    }


@pytest.mark.parametrize("way", ["password", "file", "variable", "environment"])
async def test_a_login_can_be_given_in_many_ways(
    way: str, password_registry: Served, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options, environ = ways(password_registry, tmp_path)[way]
    for name, text in environ.items():
        monkeypatch.setenv(name, text)
    async with started(decode(OciRegistry, options), site) as registry:
        assert await registry.exists(registry.image_ref("v1"))


AUTH = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
TELLS = (
    f"""[ "$1 $host" = "get HOST" ] && echo '{{"Username": "{USER}", "Secret": "{PASSWORD}"}}'"""
)


@pytest.mark.reported("F9a")
@pytest.mark.parametrize(
    ("config", "helper"),
    [
        ({"auths": {"HOST": {"auth": AUTH}}}, ""),
        ({"auths": {"https://HOST/v2/": {"auth": AUTH}}}, ""),
        ({"auths": {"HOST": {"username": USER, "password": PASSWORD}}}, ""),
        ({"auths": {"https://HOST/v2/": {"auth": "bm9ib2R5Ong="}, "HOST": {"auth": AUTH}}}, ""),
        ({"auths": {"HOST/team/other": {"auth": "bm9ib2R5Ong="}, "HOST": {"auth": AUTH}}}, ""),
        ({"credHelpers": {"HOST": "test"}}, TELLS),
        ({"credsStore": "test"}, TELLS),
        ({"credsStore": "no-such-helper", "credHelpers": {"HOST": "test"}}, TELLS),
        (
            {"credsStore": "test", "auths": {"HOST": {"auth": AUTH}}},
            "echo 'credentials not found in native keychain'; exit 1",
        ),
    ],
)
async def test_the_logins_of_docker_are_used(
    config: Mapping[str, Any],
    helper: str,
    password_registry: Served,
    site: Site,
    docker_config: Callable[..., None],
) -> None:
    host = password_registry.host
    docker_config(
        json.loads(json.dumps(config).replace("HOST", host)), helper.replace("HOST", host)
    )
    registry = OciRegistry(uri=password_registry.uri, ca=str(password_registry.ca))
    async with started(registry, site):
        assert await registry.exists(registry.image_ref("v1"))


@pytest.mark.parametrize(
    ("config", "helper", "message"),
    [
        ("{", "", "config.json: is not JSON"),
        ('{"auths": []}', "", None),
        ('{"auths": [1]}', "", "auths: must be a mapping"),
        ('{"auths": {"r.io": {"auth": "%"}}}', "", "cannot be decoded"),
        ('{"credsStore": "absent"}', "", "docker-credential-absent: cannot be run"),
        ('{"credsStore": "test"}', "echo broken; exit 3", r"no login for r.io \(exit code 3\)"),
        ('{"credsStore": "test"}', "echo 1", "its answer for r.io is no login"),
    ],
)
async def test_what_is_wrong_with_dockers_configuration_is_told(
    config: str,
    helper: str,
    message: str | None,
    site: Site,
    tmp_path: Path,
    docker_config: Callable[..., None],
) -> None:
    docker_config({}, helper)
    (tmp_path / "docker" / "config.json").write_text(config)
    async with started(OciRegistry(uri="r.io/x"), site) as registry:
        if message is None:
            assert await registry.credentials() is None
            return
        with pytest.raises(LaunchError, match=message) as failed:
            await registry.credentials()
        [finding] = await registry.check()
    assert (finding.level, finding.message) == ("error", str(failed.value))


async def test_docker_hub_has_a_key_of_its_own(
    site: Site, docker_config: Callable[..., None]
) -> None:
    docker_config({"auths": {"https://index.docker.io/v1/": {"auth": AUTH}}})
    async with started(OciRegistry(uri="alice/train"), site) as registry:
        assert await registry.credentials()
        assert registry.image_ref("v1") == "alice/train:v1"


async def test_the_login_of_the_settings_goes_to_no_other_registry(
    password_registry: Served, open_registry: Served, site: Site
) -> None:
    options = {"username": USER, "password": PASSWORD, "ca": str(password_registry.ca)}
    registry = OciRegistry(uri=open_registry.uri, **options)
    async with started(registry, site):
        with pytest.raises(LaunchError, match="does not say whether it has"):
            await registry.exists(f"{password_registry.uri}:v1")


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    password_registry: Served, site: Site
) -> None:
    async with started(OciRegistry(uri=password_registry.uri, insecure=True), site) as registry:
        with pytest.raises(LaunchError, match="certificate is not trusted") as failed:
            await registry.exists(registry.image_ref("v1"))
    assert failed.value.hint == "name the file with its certificate authority as `ca`"


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_a_bad_file_of_authorities_stops_the_start(
    content: str | None, site: Site, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "ca.pem").write_text(content)
    async with AsyncExitStack() as stack:
        with pytest.raises(ConfigError, match=r"registry\.ca: .*ca\.pem"):
            await OciRegistry(uri="r.io/x", ca=str(tmp_path / "ca.pem")).start(stack, site)


async def test_a_registry_that_is_down_is_told(site: Site) -> None:
    host = f"127.0.0.1:{free_port()}"
    async with started(OciRegistry(uri=f"{host}/x"), site) as registry:
        with pytest.raises(LaunchError, match=f"registry {host}: cannot be reached"):
            await registry.exists(registry.image_ref("v1"))
        [finding] = await registry.check()
    assert finding.level == "error"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"password_env": "NO_SUCH_VARIABLE"}, "password_env: the variable NO_SUCH_VARIABLE"),
        ({"password_file": "/no/such/file"}, "password_file: /no/such/file: No such file"),
    ],
)
async def test_a_password_that_is_not_there_stops_the_start(
    options: dict[str, Any], message: str, site: Site
) -> None:
    async with AsyncExitStack() as stack:
        with pytest.raises(ConfigError, match=message):
            await OciRegistry(uri="r.io/x", username="a", **options).start(stack, site)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"uri": "r.io"}, "name a repository there"),
        ({"uri": "r.io/X"}, "not the name of a repository"),
        ({"uri": "u:271828@r.io/x"}, "'…@r.io/x' is not the name of a repository"),
        ({"uri": "r.io/x", "username": "a"}, "username belongs together"),
        ({"uri": "r.io/x", "password": "271828"}, "username belongs together"),
        ({"uri": "r.io/x", "password_env": "A", "password_file": "b"}, "username belongs together"),
        ({"uri": "r.io/x", "username": "a", "password": 271828}, "password: must be text"),
    ],
)
def test_settings_that_do_not_fit_are_refused_without_showing_a_password(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as failed:
        decode(OciRegistry, options)
    assert "271828" not in str(failed.value)


async def test_a_helper_that_hangs_holds_up_nothing_else(
    site: Site, docker_config: Callable[..., None]
) -> None:
    docker_config({"credsStore": "test"}, "exec sleep 60")
    async with started(OciRegistry(uri="r.io/x"), site) as registry:
        with anyio.move_on_after(0.1) as scope:
            await registry.credentials()
    assert scope.cancelled_caught
