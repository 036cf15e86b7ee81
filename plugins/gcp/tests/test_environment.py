"""The environment `gcp`: who it is, for how long, and what it says when something is missing."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from aiohttp import web
from launchkit_gcp.environment import GcpEnvironment
from launchkit_gcp.errors import GcpAway, GcpRefused, NoLogin

from launchkit.errors import ConfigError
from launchkit.testing import site_at, started

from .conftest import Environments
from .fake_google import AGENT, OTHER, PROJECT, REGION, FakeGoogle, refused, serving
from .needs import NEED


@asynccontextmanager
async def silent() -> AsyncIterator[str]:
    """The URL of what never answers."""

    async def nothing_answers(request: web.Request) -> web.StreamResponse:
        await anyio.sleep_forever()
        raise AssertionError

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", nothing_answers)
    async with serving(app) as url:
        yield url


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "environment.region: this key is required"),
        ({"region": REGION}, "environment.project: this key is required"),
        ({"region": "us-central1-a"}, "us-central1-a is a zone; its region is us-central1"),
        ({"region": "<gcp-region>"}, "is not the name of a region, such as us-central1"),
        ({"project": "My Project"}, "project: 'My Project' is not the id of a project"),
        (
            {"impersonate_service_account": "other"},
            "impersonate_service_account: 'other' is no email of a service account",
        ),
        ({"endpoint_urls": {"storage": "here"}}, "endpoint_urls.storage: 'here' is no URL"),
        ({"endpoint_urls": {"s 3": "http://h"}}, "'s 3' is no service"),
        ({"projekt": "x"}, "did you mean 'project'"),
    ],
)
def test_a_wrong_setting_is_told(settings: dict[str, object], told: str) -> None:
    whole = settings if len(told.split("required")) > 1 else {"region": REGION, "project": PROJECT}
    with pytest.raises(ConfigError, match=re.escape(told)):
        GcpEnvironment.configured(
            whole | settings, lambda path: ".".join(map(str, ("environment", *path)))
        )


@pytest.mark.parametrize("name", ["my-project", "example.com:my-project", "123456789012"])
def test_projects_are_named_in_each_form(name: str) -> None:
    assert GcpEnvironment(region=REGION, project=name).project == name


async def test_a_check_tells_who_the_agent_is(gcp: GcpEnvironment) -> None:
    (found,) = await gcp.check()
    assert (found.level, found.subject) == ("ok", "environment gcp")
    assert found.message == f"works in {REGION} of project {PROJECT} as {AGENT}"


async def test_a_key_file_that_is_named_is_used(
    environments: Environments, google: FakeGoogle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    async with environments(service_account_file=str(tmp_path / "key.json")) as gcp:
        assert str.__str__((await gcp.token()).text) == google.token
    assert google.given == ["key"]


def test_the_file_of_the_credentials_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def files() -> list[str]:
        return [*map(str, GcpEnvironment.user_files())]

    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", "/gcloud")
    assert files() == ["/gcloud/application_default_credentials.json"]
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/key.json")
    assert files() == ["/key.json"]
    place = GcpEnvironment(project=PROJECT, region=REGION, service_account_file="/own.json")
    assert [*map(str, place.secret_files())] == ["/own.json"]


async def test_a_key_file_that_is_none_is_told(environments: Environments, tmp_path: Path) -> None:
    (tmp_path / "none.json").write_text("{}")
    for name, told in (("none.json", "missing fields"), ("nowhere.json", "No such file")):
        async with environments(service_account_file=str(tmp_path / name)) as gcp:
            (found,) = await gcp.check()
        assert found.level == "error"
        assert name in found.message
        assert told in found.message


@pytest.fixture
def machine(google: FakeGoogle, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine is one of Google's, or a pod there: it has a metadata server."""
    host = google.url.removeprefix("http://")
    monkeypatch.setattr("google.auth.compute_engine._metadata._NO_GCE_CHECK", False)
    monkeypatch.setattr("google.auth.compute_engine._metadata._GCE_METADATA_HOST", host)
    monkeypatch.setenv("GCE_METADATA_IP", host)


@pytest.mark.usefixtures("machine")
async def test_a_machine_or_pod_is_who_its_metadata_server_says(
    environments: Environments, google: FakeGoogle, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with environments() as gcp:
        monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
        (found,) = await gcp.check()
    assert found.message.endswith(f"as {AGENT}")
    assert google.given == ["machine"]


async def test_a_pod_elsewhere_gives_its_own_token_for_one_of_google(
    environments: Environments, google: FakeGoogle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pool = "projects/1/locations/global/workloadIdentityPools/pool/providers/cluster"
    (tmp_path / "of-the-pod").write_text("of-the-pod")
    told = {
        "type": "external_account",
        "audience": f"//iam.googleapis.com/{pool}",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{google.url}/sts",
        "credential_source": {"file": str(tmp_path / "of-the-pod")},
    }
    (tmp_path / "federation.json").write_text(json.dumps(told))
    async with environments() as gcp:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "federation.json"))
        assert str.__str__((await gcp.token()).text) == google.token
    assert google.given == ["federation"]


async def test_another_service_account_is_acted_as(
    environments: Environments, google: FakeGoogle
) -> None:
    async with environments(impersonate_service_account=OTHER) as gcp:
        (found,) = await gcp.check()
    assert found.message.endswith(f"as {OTHER}")
    assert google.given == ["key", f"as {OTHER}"]


async def test_who_may_not_act_as_another_is_told_the_command_that_lets_it(
    environments: Environments,
) -> None:
    stranger = f"stranger@{PROJECT}.iam.gserviceaccount.com"
    async with environments(impersonate_service_account=stranger) as gcp:
        (found,) = await gcp.check()
    assert found.level == "error"
    assert f"cannot get a token of {stranger}" in found.message
    assert "'iam.serviceAccounts.getAccessToken' denied" in found.message
    assert f"gcloud iam service-accounts add-iam-policy-binding {stranger}" in str(found.hint)


async def test_requests_of_a_person_count_for_the_project_that_is_named(
    environments: Environments, google: FakeGoogle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = {
        "type": "authorized_user",
        "client_id": "c",
        "client_secret": "s",
        "refresh_token": "r",
        "quota_project_id": "ours",
    }
    (tmp_path / "person.json").write_text(json.dumps(told))
    monkeypatch.setattr(
        "google.oauth2.credentials._GOOGLE_OAUTH2_TOKEN_ENDPOINT", f"{google.url}/token"
    )
    async with environments() as gcp:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "person.json"))
        token = await gcp.token()
    assert token.headers["X-Goog-User-Project"] == "ours"
    assert google.given == ["person"]


async def test_without_credentials_one_sentence_is_told_soon(
    environments: Environments, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with environments() as gcp:
        monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
        (found,) = await gcp.check()
    assert found.level == "error"
    assert found.message == "Google Cloud: there are no credentials"
    assert "gcloud auth application-default login" in str(found.hint)


async def test_a_metadata_server_that_says_nothing_is_not_waited_for(
    environments: Environments, google: FakeGoogle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine that is none of Google's, where packets to its address are lost."""
    async with silent() as url, environments() as gcp:
        monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
        monkeypatch.setattr("google.auth.compute_engine._metadata._NO_GCE_CHECK", False)
        monkeypatch.setenv("GCE_METADATA_IP", url.removeprefix("http://"))
        (found,) = await gcp.check()
    assert found.message == "Google Cloud: no credentials are found, and no metadata server answers"
    assert "gcloud auth application-default login" in str(found.hint)


async def test_a_token_is_kept_until_some_minutes_before_its_end(
    gcp: GcpEnvironment, google: FakeGoogle, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    now = time.time()
    for later, got in ((0, 1), (2900, 1), (3100, 2)):
        monkeypatch.setattr("launchkit_gcp.credentials.time.time", lambda at=now + later: at)
        await gcp.token()
        assert len(google.given) == got, later


async def test_a_token_is_used_to_its_end_while_no_other_can_be_got(
    environments: Environments, google: FakeGoogle, tmp_path: Path
) -> None:
    google.seconds = 300
    async with environments() as gcp:
        first = await gcp.token()
        made = await gcp.credentials()
        made._token_uri = "http://127.0.0.1:1/token"
        assert await gcp.token() == first
        google.seconds = 30
        made._token_uri = f"{google.url}/token"
        await gcp.token()
        made._token_uri = "http://127.0.0.1:1/token"
        with pytest.raises(GcpAway, match="cannot get a token"):
            await gcp.token()


async def test_a_token_is_got_once_for_all_who_wait(
    gcp: GcpEnvironment, google: FakeGoogle
) -> None:
    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(gcp.token)
    assert google.given == ["key"]


async def test_a_request_whose_token_does_not_count_any_more_is_made_again_with_another(
    gcp: GcpEnvironment, google: FakeGoogle
) -> None:
    assert [one.level for one in await gcp.rights([NEED], "it")] == ["ok"]
    google.change()
    assert [one.level for one in await gcp.rights([NEED], "it again")] == ["ok"]
    assert google.given == ["key", "key"]


async def test_a_key_that_is_written_anew_is_read_in_the_middle_of_a_run(
    environments: Environments, google: FakeGoogle, tmp_path: Path
) -> None:
    key = (tmp_path / "key.json").read_text()
    async with environments() as gcp:
        (tmp_path / "key.json").write_text(key.replace("/token", "/nothing-here"))
        with pytest.raises(NoLogin):
            await gcp.token()
        (tmp_path / "key.json").write_text(key)
        await gcp.token()
    assert google.given == ["key"]


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_request_that_is_throttled_or_meets_a_fault_is_made_again(
    gcp: GcpEnvironment, google: FakeGoogle, status: int
) -> None:
    google.answers += [refused(status, "UNAVAILABLE", "later") for _ in range(2)]
    assert [one.level for one in await gcp.rights([NEED], "it")] == ["ok"]
    assert len(google.asked) == 3


async def test_a_refusal_has_the_words_of_the_service_and_is_no_trouble(
    gcp: GcpEnvironment, google: FakeGoogle
) -> None:
    google.answers.append(refused(403, "PERMISSION_DENIED", "no storage.buckets.get"))
    with pytest.raises(GcpRefused, match="GCS: bucket b: PERMISSION_DENIED: no storage") as caught:
        await gcp.bucket("b")
    assert caught.value.denied
    assert not caught.value.not_found
    assert "launchkit doctor" in str(caught.value.hint)


async def test_a_service_that_asks_for_silence_gets_it(
    gcp: GcpEnvironment, google: FakeGoogle
) -> None:
    told = {"Retry-After": "3600"}
    google.answers.append(refused(429, "RESOURCE_EXHAUSTED", "Quota exceeded", **told))
    with pytest.raises(GcpAway, match="it is asked too much: Quota exceeded") as caught:
        await gcp.bucket("b")
    assert caught.value.retry_after == 3600
    assert caught.value.throttled
    assert len(google.asked) == 1


@pytest.mark.parametrize("service", ["storage", "cloudresourcemanager"])
async def test_a_service_that_is_away_is_told_soon(
    environments: Environments, service: str
) -> None:
    async with environments({service: "http://127.0.0.1:1"}) as gcp:
        ask: dict[str, Any] = {
            "storage": lambda: gcp.check_store("gs://bucket/prefix"),
            "cloudresourcemanager": lambda: gcp.rights([NEED], "it"),
        }
        (found,) = await ask[service]()
    assert found.level in {"warning", "error"}
    assert "does not answer within 4 s" in found.message


async def test_a_token_service_that_says_nothing_is_not_waited_for(
    environments: Environments, google: FakeGoogle, tmp_path: Path
) -> None:
    async with silent() as url, environments() as gcp:
        path = tmp_path / "key.json"
        path.write_text(path.read_text().replace(google.url, url))
        (found,) = await gcp.check()
    assert found.message == "Google Cloud: it does not answer within 4 s"


async def test_kaniko_is_told_the_project_and_where_storage_answers(
    environments: Environments, google: FakeGoogle
) -> None:
    async with environments() as gcp:
        assert gcp.variables() == {
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "STORAGE_EMULATOR_HOST": google.url,
        }
    assert GcpEnvironment(region=REGION, project=PROJECT).variables() == {
        "GOOGLE_CLOUD_PROJECT": PROJECT
    }


async def test_it_starts_before_google_is_asked(tmp_path: Path) -> None:
    made = GcpEnvironment(region=REGION, project=PROJECT)
    async with site_at(tmp_path) as site, started(made, site) as gcp:
        assert gcp.place.url("storage") == "https://storage.googleapis.com"
