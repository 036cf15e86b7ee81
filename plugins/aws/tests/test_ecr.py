"""The registry `ecr`: its names, its repository, its logins, and what it asks of AWS."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import TypedAttributeProvider
from anyio.abc import SocketAttribute
from anyio.to_thread import run_sync
from launchkit_aws.ecr import EcrRegistry

from launchkit.errors import BuildError, ConfigError, LaunchError, Rejected
from launchkit.testing import site_at, started

from .conftest import REGION, Environments
from .ecr_server import ACCOUNT, EcrApi
from .fake_aws import AwsFault, FakeAws

HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
URI = f"{HOST}/lk/job"


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        (URI, URI),
        (f"https://{URI}/", URI),
        (f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/lk/job", URI),
        (f"{ACCOUNT}.ecr.{REGION}.amazonaws.com/lk/job", URI),
        (
            f"arn:aws-cn:ecr:cn-north-1:{ACCOUNT}:repository/a",
            f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com.cn/a",
        ),
        *(
            (f"{ACCOUNT}.{host}/team/a_b.c-d", f"{ACCOUNT}.{host}/team/a_b.c-d")
            for host in (
                "dkr.ecr.cn-northwest-1.amazonaws.com.cn",
                "dkr.ecr.us-gov-west-1.amazonaws.com",
                "dkr.ecr-fips.us-east-1.amazonaws.com",
                "dkr-ecr.us-west-2.on.aws",
                "dkr-ecr-fips.us-gov-east-1.on.aws",
                "dkr-ecr.cn-north-1.on.amazonwebservices.com.cn",
                "dkr.ecr.eusc-de-east-1.amazonaws.eu",
            )
        ),
    ],
)
def test_a_repository_is_read_in_each_form(text: str, uri: str) -> None:
    assert EcrRegistry.answers_for(text.removeprefix("https://"))
    assert EcrRegistry.repository_of(text) == uri
    registry = EcrRegistry(uri=text)
    assert registry.image_ref("v1") == f"{uri}:v1"


@pytest.mark.parametrize(
    "host",
    ["docker.io", f"{HOST}.evil.org", f"1{HOST}", "ecr.us-east-1.amazonaws.com", "public.ecr.aws"],
)
def test_it_answers_for_no_other_host(host: str) -> None:
    assert not EcrRegistry.answers_for(f"{host}/lk/job")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "name the repository by uri, or by account_id, region and repo_name together"),
        ({"uri": HOST}, "uri: names no repository"),
        ({"uri": f"{HOST}/Big"}, "'Big' cannot be a repository"),
        ({"uri": f"{HOST}/a:v1"}, "'a:v1' cannot be a repository"),
        ({"uri": "arn:aws:s3:::b"}, "uri: must be an ARN such as arn:aws:ecr:"),
        ({"uri": "docker.io/a/b"}, "uri: must be ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY"),
        (
            {"uri": f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com/a"},
            "hosts of cn-north-1 end with amazonaws.com.cn",
        ),
        ({"uri": URI, "region": REGION}, "uri stands in place of account_id"),
        (
            {"account_id": "12", "region": REGION, "repo_name": "a"},
            "account_id: '12' is not the 12",
        ),
        ({"account_id": ACCOUNT, "region": "x", "repo_name": "a"}, "region: 'x' is not the name"),
    ],
)
def test_a_wrong_setting_is_told(settings: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(told)):
        EcrRegistry.configured(settings)


@pytest.mark.parametrize("account", [ACCOUNT, int(ACCOUNT)])
def test_account_region_and_name_make_a_repository(account: object) -> None:
    parts = {"account-id": account, "region": REGION, "repo-name": "lk/job"}
    assert EcrRegistry.configured(parts).image_ref("v1") == f"{URI}:v1"


@dataclass
class Started:
    registry: EcrRegistry
    fake: FakeAws
    api: EcrApi

    def asked(self) -> list[str]:
        return [operation for operation, _ in self.fake.calls]


class Ecr:
    """Starts registries before a fake of ECR."""

    def __init__(self, api: EcrApi, environments: Environments, folder: Path) -> None:
        self.api, self._environments, self._folder = api, environments, folder

    @asynccontextmanager
    async def __call__(
        self, *, builds: bool = True, environment: dict[str, Any] | None = None, **settings: Any
    ) -> AsyncIterator[Started]:
        fake = FakeAws("ecr", self.api)
        async with (
            fake.serving() as url,
            self._environments({"ecr": url}, **environment or {}) as aws,
            site_at(self._folder / "registry", environment=aws, builds=builds) as site,
            started(EcrRegistry(**{"uri": URI} | settings), site) as registry,
        ):
            yield Started(registry, fake, self.api)


@pytest.fixture
def ecr(ecr_api: EcrApi, environments: Environments, tmp_path: Path) -> Ecr:
    return Ecr(ecr_api, environments, tmp_path)


async def test_a_login_is_kept_until_half_of_its_time_is_over(
    ecr: Ecr, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    now = time.time()
    async with ecr(builds=False) as one:
        for later, logins in ((0, 1), (5 * 3600, 1), (6 * 3600 + 60, 2), (12 * 3600, 2)):
            monkeypatch.setattr("time.time", lambda at=now + later: at)
            await one.registry.credentials()
            assert one.api.logins == logins, later


async def test_a_repository_that_is_missing_is_made_before_the_first_push(ecr: Ecr) -> None:
    async with ecr() as one:
        _, found, _ = await one.registry.check()
        assert found.level == "warning"
        assert found.message == "repository lk/job is not there: it is made before the first push"
        assert one.api.repositories == set()
        await one.registry.credentials()
        assert one.api.repositories == {"lk/job"}
        await one.registry.credentials()
        assert one.asked().count("CreateRepository") == 1


async def test_an_agent_that_builds_nothing_makes_no_repository(ecr: Ecr) -> None:
    async with ecr(builds=False) as one:
        await one.registry.credentials()
        _, found, _ = await one.registry.check()
    assert one.api.repositories == set()
    assert found.level == "error"


async def test_a_repository_that_may_not_be_made_is_told_with_the_command_that_makes_it(
    ecr: Ecr,
) -> None:
    ecr.api.may_create = False
    async with ecr() as one:
        with pytest.raises(BuildError, match=r"not there and cannot be made: .*not auth") as e:
            await one.registry.credentials()
    assert e.value.hint is not None
    assert f"aws ecr create-repository --region {REGION} --repository-name lk/job" in e.value.hint


async def test_a_repository_that_is_not_to_be_made_is_missed(ecr: Ecr) -> None:
    async with ecr(create=False) as one:
        _, found, _ = await one.registry.check()
    assert (found.level, found.message) == ("error", "there is no repository lk/job")


async def test_two_agents_may_make_it_at_once(ecr: Ecr) -> None:
    async with ecr() as one:
        one.fake.faults += [
            AwsFault("RepositoryNotFoundException", "not yet"),
            AwsFault("RepositoryAlreadyExistsException", "now it is"),
        ]
        assert await one.registry.credentials()


async def test_questions_that_come_at_once_are_asked_as_one(ecr: Ecr) -> None:
    ecr.api.repositories.add("lk/job")
    async with ecr() as one:
        server = one.api.served
        digests = {}
        for number in range(20):
            pusher = type(server)(host=server.host, login=("AWS", one.api.password))
            tag = f"t{number}"
            digests[tag] = await run_sync(pusher.push, "lk/job", tag)
        told: dict[str, str | None] = {}

        async def ask(tag: str) -> None:
            told[tag] = await one.registry.digest(one.registry.image_ref(tag))

        async with anyio.create_task_group() as tasks:
            for tag in digests:
                tasks.start_soon(ask, tag)
        assert told == digests
        assert one.asked().count("DescribeImages") < 8


async def test_an_archived_image_is_not_there(ecr: Ecr, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = f"sha256:{'a' * 64}"

    async def told(body: Any) -> Any:
        return {
            "imageDetails": [
                {"imageDigest": digest, "imageTags": ["v1"], "imageStatus": "ARCHIVED"}
            ]
        }

    monkeypatch.setattr(ecr.api, "DescribeImages", told)
    async with ecr() as one:
        assert not await one.registry.exists(f"{URI}:v1")


async def test_an_image_elsewhere_is_not_asked_about(ecr: Ecr) -> None:
    async with ecr() as one:
        with pytest.raises(Rejected, match=r"docker\.io/library/python:3 is not in ECR"):
            await one.registry.exists("python:3")
        assert one.asked() == []


async def test_an_image_of_another_account_is_asked_about_there(ecr: Ecr) -> None:
    async with ecr() as one:
        ref = f"210987654321.dkr.ecr.{REGION}.amazonaws.com/theirs:v1"
        assert not await one.registry.exists(ref)
        assert one.fake.calls[0][1]["registryId"] == "210987654321"


async def test_what_the_policy_lacks_is_printed_as_a_statement(ecr: Ecr) -> None:
    def allowed(action: str, resource: str, conditions: dict[str, str]) -> bool:
        return action not in {"ecr:PutImage", "ecr:GetAuthorizationToken"}

    async with ecr(environment={"allowed": allowed}) as one:
        *_, found = await one.registry.check()
    assert found.level == "warning"
    login, push = str(found.hint).removeprefix("add to its policy: ").split(",\n")
    assert json.loads(login)["Resource"] == "*"
    assert json.loads(push) == {
        "Effect": "Allow",
        "Action": ["ecr:PutImage"],
        "Resource": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/lk/job",
    }


async def test_a_right_that_is_missing_is_told_with_what_to_do(ecr: Ecr) -> None:
    async with ecr() as one:
        one.fake.faults.append(AwsFault("AccessDeniedException", "not authorized", 400))
        with pytest.raises(LaunchError, match="AccessDeniedException: not authorized") as caught:
            await one.registry.exists(f"{URI}:v1")
    assert "launchkit doctor" in str(caught.value.hint)


async def test_without_a_way_to_ecr_one_sentence_is_told_soon(
    environments: Environments, tmp_path: Path
) -> None:
    async with (
        environments({"ecr": "http://127.0.0.1:1"}) as aws,
        site_at(tmp_path / "registry", environment=aws) as site,
        started(EcrRegistry(uri=URI), site) as registry,
    ):
        (found,) = await registry.check()
    assert found.level == "error"
    assert found.message.startswith(f"ECR: {HOST}: cannot get a login: Could not connect")


def _port_of(listener: TypedAttributeProvider) -> int:
    return int(listener.extra(SocketAttribute.local_port))


async def test_an_ecr_that_says_nothing_is_not_waited_for(
    environments: Environments, tmp_path: Path
) -> None:
    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as silent,
        environments({"ecr": f"http://127.0.0.1:{_port_of(silent)}"}) as aws,
        site_at(tmp_path / "registry", environment=aws) as site,
        started(EcrRegistry(uri=URI), site) as registry,
    ):
        (found,) = await registry.check()
    assert (found.level, found.message) == ("error", "AWS: it does not answer within 4 s")


async def test_without_the_environment_aws_it_says_what_to_write(tmp_path: Path) -> None:
    told = re.escape("registry ecr needs environment: {type: aws}")
    async with site_at(tmp_path) as site:
        with pytest.raises(ConfigError, match=told):
            async with started(EcrRegistry(uri=URI), site):
                raise AssertionError
