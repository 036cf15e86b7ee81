"""The registry `gcr`: its names, its repository, its logins, and what it asks of Google."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from anyio.to_thread import run_sync
from launchkit_gcp.gcr import GcrRegistry

from launchkit.errors import ConfigError, LaunchError, Rejected
from launchkit.testing import site_at, started
from launchkit.testing.registry_server import RegistryServer

from .conftest import Environments
from .fake_artifact_registry import USER, FakeArtifactRegistry
from .fake_google import AGENT, PROJECT, REGION, FakeGoogle

URI = f"{REGION}-docker.pkg.dev/{PROJECT}/launch/team/train"
RESOURCE = f"projects/{PROJECT}/locations/{REGION}/repositories/launch"


@pytest.mark.parametrize(
    ("text", "resource"),
    [
        (URI, RESOURCE),
        (f"https://{URI}/", RESOURCE),
        ("us-docker.pkg.dev/p/repo/image", "projects/p/locations/us/repositories/repo"),
        (
            "us-central1-docker.pkg.dev/example.com/my-project/repo/image/sub",
            "projects/example.com:my-project/locations/us-central1/repositories/repo",
        ),
        ("gcr.io/p/image", "projects/p/locations/us/repositories/gcr.io"),
        ("eu.gcr.io/p/a/b/c", "projects/p/locations/europe/repositories/eu.gcr.io"),
        (
            "asia.gcr.io/example.com/p/image",
            "projects/example.com:p/locations/asia/repositories/asia.gcr.io",
        ),
    ],
)
def test_images_are_named_in_each_form(text: str, resource: str) -> None:
    uri = text.removeprefix("https://").rstrip("/")
    assert GcrRegistry.answers_for(uri)
    assert GcrRegistry.repository_of(text) == uri
    registry = GcrRegistry(uri=text)
    assert registry.image_ref("v1") == f"{uri}:v1"
    assert registry._image.resource == resource


@pytest.mark.parametrize(
    "host",
    [
        "docker.io",
        f"{REGION}-docker.pkg.dev.evil.org",
        "docker.pkg.dev",
        "mirror.gcr.io",
        "gcr.io.x",
    ],
)
def test_it_answers_for_no_other_host(host: str) -> None:
    assert not GcrRegistry.answers_for(f"{host}/p/r/i")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "name the images by uri, or by repository and image_name together"),
        ({"repository": "launch"}, "name the images by uri, or by repository and image_name"),
        ({"uri": f"{REGION}-docker.pkg.dev/p/launch"}, "PROJECT/REPOSITORY/IMAGE"),
        ({"uri": "gcr.io/p"}, "uri: must be gcr.io/PROJECT/IMAGE"),
        ({"uri": "docker.io/a/b/c"}, "uri: must be LOCATION-docker.pkg.dev/PROJECT/"),
        ({"uri": f"{URI}:v1"}, "uri: "),
        ({"uri": URI.upper()}, "uri: must be LOCATION-docker.pkg.dev"),
        ({"uri": URI, "project": "p"}, "uri stands in place of repository"),
        ({"repository": "Launch", "image_name": "x"}, "'Launch' cannot be a repository"),
        ({"repository": "launch", "image_name": "X"}, "X"),
    ],
)
def test_a_wrong_setting_is_told(settings: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(told)):
        GcrRegistry.configured(settings)


class Gcr:
    """Starts registries before the fake of Google."""

    def __init__(
        self, images: FakeArtifactRegistry, environments: Environments, folder: Path
    ) -> None:
        self.images, self.google = images, images.google
        self._environments, self._folder = environments, folder

    @asynccontextmanager
    async def __call__(
        self, *, builds: bool = True, environment: dict[str, Any] | None = None, **settings: Any
    ) -> AsyncIterator[GcrRegistry]:
        async with (
            self._environments(**environment or {}) as gcp,
            site_at(self._folder / "registry", environment=gcp, builds=builds) as site,
            started(GcrRegistry(**settings or {"uri": URI}), site) as registry,
        ):
            yield registry


@pytest.fixture
def gcr(images: FakeArtifactRegistry, environments: Environments, tmp_path: Path) -> Gcr:
    images.repositories[RESOURCE] = {}
    return Gcr(images, environments, tmp_path)


async def test_region_and_project_are_by_default_those_of_the_environment(gcr: Gcr) -> None:
    async with gcr(repository="launch", image_name="team/train") as registry:
        assert registry.image_ref("v1") == f"{URI}:v1"
    parts = {"repository": "launch", "image-name": "x", "region": "us", "project": "theirs"}
    async with gcr() as registry:
        other = GcrRegistry.configured(parts)
        assert other.image_ref("v1") == "us-docker.pkg.dev/theirs/launch/x:v1"
        assert registry.image_ref("v1") == f"{URI}:v1"


async def test_a_login_is_a_token_with_its_end(gcr: Gcr) -> None:
    async with gcr() as registry:
        login = await registry.credentials()
    assert login is not None
    assert (login.username, str.__str__(login.password)) == (USER, gcr.google.token)
    assert login.expires_at is not None


async def test_a_check_tells_of_login_repository_and_rights(gcr: Gcr) -> None:
    async with gcr() as registry:
        found = await registry.check()
    assert [one.level for one in found] == ["ok"] * 3
    assert [one.message for one in found] == [
        f"gives a login, {USER}",
        "repository launch is there; its tags are mutable",
        f"{AGENT} has all 3 permissions",
    ]


async def test_immutable_tags_are_told(gcr: Gcr) -> None:
    gcr.images.repositories[RESOURCE] = {"dockerConfig": {"immutableTags": True}}
    async with gcr() as registry:
        _, found, _ = await registry.check()
    assert found.message.endswith("its tags are immutable")


async def test_a_repository_that_is_missing_is_told_with_the_command_that_makes_it(
    gcr: Gcr,
) -> None:
    gcr.images.repositories.clear()
    async with gcr() as registry:
        _, found, _ = await registry.check()
    assert (found.level, found.message) == ("error", f"there is no repository launch in {REGION}")
    assert found.hint == (
        "gcloud artifacts repositories create launch --repository-format=docker"
        f" --location={REGION} --project={PROJECT}"
    )


async def test_a_repository_for_other_things_is_told(gcr: Gcr) -> None:
    gcr.images.repositories[RESOURCE] = {"format": "PYTHON"}
    async with gcr() as registry:
        _, found, _ = await registry.check()
    assert (found.level, found.message) == (
        "error",
        "repository launch is for python, not for images",
    )


@pytest.mark.parametrize(("builds", "role"), [(True, "writer"), (False, "reader")])
async def test_what_is_lacking_is_told_with_the_command_that_grants_it(
    gcr: Gcr, builds: bool, role: str
) -> None:
    gcr.google.lacking = {
        "artifactregistry.repositories.downloadArtifacts",
        "artifactregistry.repositories.uploadArtifacts",
    }
    async with gcr(builds=builds) as registry:
        *_, found = await registry.check()
    assert found.level == "error"
    assert ("uploadArtifacts" in found.message) == builds
    assert found.hint == (
        "grant it: gcloud artifacts repositories add-iam-policy-binding launch"
        f" --location={REGION} --project={PROJECT}"
        f" --member=serviceAccount:{AGENT} --role=roles/artifactregistry.{role}"
    )


async def test_who_may_not_look_at_the_repository_may_push(gcr: Gcr) -> None:
    gcr.google.lacking = {"artifactregistry.repositories.get"}
    async with gcr() as registry:
        login, found = await registry.check()
    assert login.level == "ok"
    assert "lacks artifactregistry.repositories.get" in found.message


async def test_an_image_elsewhere_is_not_asked_about(gcr: Gcr) -> None:
    async with gcr() as registry:
        with pytest.raises(Rejected, match=r"python:3 is not in Artifact Registry"):
            await registry.exists("python:3")
    assert gcr.google.asked == []


@pytest.mark.usefixtures("served_images")
async def test_an_image_is_found_by_its_name_tag_and_digest_alone(gcr: Gcr) -> None:
    served = gcr.images.served
    assert served
    server = RegistryServer(host=served.host, login=(USER, gcr.google.token))
    digest = await run_sync(server.push, URI.partition("/")[2], "v1")
    async with gcr() as registry:
        assert await registry.digest(f"{URI}:v1") == digest
        assert await registry.exists(f"{URI}@{digest}")
        for ref in (f"{URI}:v2", f"{URI}/sub:v1", f"{URI.rpartition('/')[0]}:v1"):
            assert not await registry.exists(ref), ref


@pytest.mark.usefixtures("served_images")
async def test_a_registry_that_does_not_take_the_token_is_told_with_what_to_do(gcr: Gcr) -> None:
    async with gcr() as registry:
        gcr.google.change()
        with pytest.raises(LaunchError, match="does not say whether it has") as caught:
            await registry.exists(f"{URI}:v1")
    assert "launchkit doctor" in str(caught.value.hint)
    assert "docker login" not in str(caught.value.hint)


async def test_without_a_way_to_google_one_sentence_is_told_soon(gcr: Gcr) -> None:
    urls = {"artifactregistry": "http://127.0.0.1:1"}
    async with gcr(environment={"endpoint_urls": urls}) as registry:
        (found,) = await registry.check()
    assert found.level == "error"
    assert "does not answer within 4 s" in found.message


async def test_without_the_environment_gcp_it_says_what_to_write(tmp_path: Path) -> None:
    told = re.escape("registry gcr needs environment: {type: gcp}")
    async with site_at(tmp_path) as site:
        with pytest.raises(ConfigError, match=told):
            async with started(GcrRegistry(uri=URI), site):
                raise AssertionError


async def test_no_token_goes_to_a_host_that_is_not_googles(gcr: Gcr, google: FakeGoogle) -> None:
    async with gcr() as registry:
        service = await registry._service.opened()
        assert await service.probe.client.logins("registry.example.com") is None
        assert await service.probe.client.logins("us-docker.pkg.dev") is not None
    assert google.given == ["key"]
