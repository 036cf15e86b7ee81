"""The environment `aws`: who it is, for how long, and what it says when something is missing."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from launchkit_aws.environment import AwsEnvironment
from launchkit_aws.regions import partition_of
from launchkit_aws.rights import Need

from launchkit.errors import ConfigError, LaunchError, Rejected
from launchkit.plain_text import shortened
from launchkit.testing import site_at, started

from .buckets import ROLE, bucket
from .conftest import REGION, Environments
from .fake_aws import AwsFault, FakeAws, serving

EXPIRED = "The security token included in the request is expired"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "environment.region: this key is required"),
        ({"region": "us-east-1a"}, "us-east-1a is an availability zone; its region is us-east-1"),
        ({"region": "<aws-region>"}, "is not the name of a region, such as us-east-1"),
        (
            {"region": REGION, "role_arn": "launch-agent"},
            "role_arn: 'launch-agent' is no role's ARN",
        ),
        ({"region": REGION, "external_id": "x"}, "external_id belongs together with role_arn"),
        ({"region": REGION, "endpoint_urls": {"s3": "here"}}, "endpoint_urls.s3: 'here' is no URL"),
        ({"region": REGION, "endpoint_urls": {"S 3": "http://h"}}, "'S 3' is no service"),
        ({"region": REGION, "profil": "x"}, "did you mean 'profile'"),
    ],
)
def test_a_wrong_setting_is_told(settings: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(told)):
        AwsEnvironment.configured(settings, lambda path: ".".join(map(str, ("environment", *path))))


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("us-east-1", "aws"),
        ("mx-central-1", "aws"),
        ("cn-northwest-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eusc-de-east-1", "aws-eusc"),
    ],
)
def test_a_region_is_in_a_partition_as_botocore_has_it(region: str, partition: str) -> None:
    import botocore.session

    assert partition_of(region).name == partition
    assert botocore.session.Session().get_partition_for_region(region) == partition
    AwsEnvironment(region=region)


async def test_a_check_tells_who_the_agent_is(aws: AwsEnvironment) -> None:
    (found,) = await aws.check()
    assert (found.level, found.subject) == ("ok", "environment aws")
    assert re.match(rf"works in {REGION} as arn:aws:sts::\d+:user/", found.message)


async def test_a_role_is_assumed_under_the_agents_name(environments: Environments) -> None:
    async with environments(role_arn=ROLE, external_id="between us") as aws:
        (found,) = await aws.check()
    assert found.message.endswith("assumed-role/launch-agent/launchkit-test")


async def test_a_profile_says_which_credentials_are_used(
    environments: Environments, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keep(tmp_path, monkeypatch, "[other]\naws_access_key_id=of-other\naws_secret_access_key=s\n")
    sts = Sts()
    async with sts.serving() as url, environments({"sts": url}, profile="other") as aws:
        await aws.check()
    assert sts.keys == ["of-other"]


def test_the_files_of_credentials_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/token")
    assert {*map(str, AwsEnvironment.user_files())} == {"/home/ann/.aws/credentials", "/token"}
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/keys")
    assert {*map(str, AwsEnvironment.user_files())} == {"/keys", "/token"}


def test_settings_with_a_key_and_kept_tokens_are_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("AWS_CONFIG_FILE", raising=False)
    cache = tmp_path / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    settings, token = tmp_path / ".aws" / "config", cache / "1f.json"
    settings.write_text("[default]\nregion = eu-west-1\n")
    assert not {settings, token} & AwsEnvironment.user_files().keys()
    settings.write_text("[default]\nAWS_Secret_Access_Key = s\n")
    token.write_text("{}")
    assert {settings, token} < AwsEnvironment.user_files().keys()
    other = tmp_path / "other"
    other.write_text("[default]\naws_session_token = s\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(other))
    assert other in AwsEnvironment.user_files()
    assert settings not in AwsEnvironment.user_files()


async def test_a_session_token_that_is_written_anew_is_used_in_the_middle_of_a_run(
    environments: Environments, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As the tutorial has it: tokens of an hour in ~/.aws/credentials."""
    session = "[default]\naws_access_key_id={}\naws_secret_access_key=s\naws_session_token=t\n"
    keep(tmp_path, monkeypatch, session.format("first"))
    sts = Sts()
    async with sts.serving() as url, environments({"sts": url}) as aws:
        await aws.check()
        sts.expired.add("first")
        keep(tmp_path, monkeypatch, session.format("second"))
        (found,) = await aws.check()
    assert found.level == "ok"
    assert sts.keys == ["first", "first", "second"]


async def test_what_a_role_may_do_is_asked_anew_before_it_ends(
    environments: Environments, monkeypatch: pytest.MonkeyPatch
) -> None:
    sts = Sts()
    async with sts.serving() as url, environments({"sts": url}, role_arn=ROLE) as aws:
        await aws.check()
        assert sts.keys == ["ann", "role-1"]
        clients = await aws._clients.opened()
        soon = datetime.now(UTC) + timedelta(minutes=59)
        monkeypatch.setattr(clients.credentials, "_time_fetcher", lambda: soon)
        await aws.check()
    assert sts.keys == ["ann", "role-1", "ann", "role-2"]


async def test_a_call_whose_token_expires_on_the_way_is_made_again(
    environments: Environments,
) -> None:
    sts = Sts()
    async with sts.serving() as url, environments({"sts": url}, role_arn=ROLE) as aws:
        await aws.check()
        sts.expired.add("role-1")
        (found,) = await aws.check()
    assert found.level == "ok"
    assert sts.keys == ["ann", "role-1", "role-1", "ann", "role-2"]


async def test_credentials_that_no_longer_count_are_told_in_one_sentence(
    environments: Environments,
) -> None:
    sts = Sts()
    sts.expired.add("ann")
    async with sts.serving() as url, environments({"sts": url}) as aws:
        (found,) = await aws.check()
    assert found.level == "error"
    assert (
        found.message == "AWS: ExpiredToken: The security token included in the request is expired"
    )
    assert found.hint is not None
    assert "aws sts get-caller-identity" in found.hint


async def test_without_credentials_one_sentence_is_told_soon(
    environments: Environments,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    async with environments() as aws:
        (found,) = await aws.check()
    assert (found.level, found.message) == ("error", "AWS: Unable to locate credentials")
    assert "Traceback" not in caplog.text
    assert found.hint is not None
    assert "`profile`" in found.hint


async def test_a_profile_that_is_not_there_is_told(environments: Environments) -> None:
    async with environments(profile="nobody") as aws:
        (found,) = await aws.check()
    assert found.message.endswith("The config profile (nobody) could not be found")


async def nothing_answers(request: web.Request) -> web.StreamResponse:
    import anyio

    await anyio.sleep_forever()
    raise AssertionError


@pytest.mark.parametrize("service", ["sts", "s3", "iam"])
async def test_a_service_that_is_away_is_told_soon(
    environments: Environments, service: str, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    ask: dict[str, Callable[[AwsEnvironment], Any]] = {
        "sts": lambda aws: aws.check(),
        "s3": lambda aws: aws.check_store("s3://bucket/prefix"),
        "iam": lambda aws: aws.rights([Need(actions=("s3:GetObject",))], "it"),
    }
    async with environments({service: "http://127.0.0.1:1"}) as aws:
        (found,) = await ask[service](aws)
    assert "http://127.0.0.1:1" in found.message
    assert "Could not connect" in found.message


async def test_a_service_that_says_nothing_is_not_waited_for(environments: Environments) -> None:
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", nothing_answers)
    async with serving(app) as url, environments({"sts": url}) as aws:
        (found,) = await aws.check()
    assert found.message == "AWS: it does not answer within 4 s"


async def test_what_a_proxy_says_in_its_place_is_told(environments: Environments) -> None:
    async def proxy(request: web.Request) -> web.Response:
        return web.Response(status=500, text="<!doctype html><h1>Go away", content_type="text/html")

    app = web.Application()
    app.router.add_post("/", proxy)
    async with serving(app) as url, environments({"sts": url}) as aws:
        (found,) = await aws.check()
    assert (found.level, found.message) == ("error", "AWS: its answer is none of AWS's")


async def test_a_bucket_of_another_region_is_told(aws: AwsEnvironment, tmp_path: Path) -> None:
    await bucket(aws, "far-away", "ap-southeast-2")
    (tmp_path / "file").write_text("x")
    told = f"bucket far-away is in ap-southeast-2, and the environment in {REGION}"
    with pytest.raises(Rejected, match=told):
        await aws.upload(tmp_path / "file", "s3://far-away/file")
    (found,) = await aws.check_store("s3://far-away")
    assert told in found.message


async def test_a_bucket_that_is_not_there_is_told(aws: AwsEnvironment, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(Rejected, match="there is no bucket nowhere") as caught:
        await aws.upload(tmp_path / "file", "s3://nowhere/file")
    assert caught.value.hint == f"make one: aws s3 mb s3://nowhere --region {REGION}"


@pytest.mark.parametrize(
    "address",
    ["s3://", "s3://bucket", "s3://bucket/", "s3://Bad_Bucket/x", f"s3://b-b/{'x' * 1025}"],
)
async def test_an_address_that_names_no_file_of_s3_is_told(
    aws: AwsEnvironment, tmp_path: Path, address: str
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Rejected, match=re.escape(shortened(address, 200))):
        await aws.upload(tmp_path / "file", address)


async def test_a_throttled_call_is_made_again(environments: Environments) -> None:
    class Ecr:
        def DescribeRepositories(self, body: Any) -> Any:
            return {"repositories": []}

    fake = FakeAws("ecr", Ecr())
    fake.faults += [AwsFault("ThrottlingException", "Rate exceeded") for _ in range(2)]
    async with fake.serving() as url, environments({"ecr": url}) as aws:
        ecr = await aws.client("ecr")
        assert (await ecr.describe_repositories())["repositories"] == []
    assert len(fake.calls) == 3


async def test_a_client_is_shared(aws: AwsEnvironment) -> None:
    assert await aws.client("s3") is await aws.client("s3")
    assert await aws.client("s3") is not await aws.client("s3", region="us-east-1")


async def test_nothing_of_aws_is_imported_before_it_is_asked(tmp_path: Path) -> None:
    import subprocess
    import sys

    program = (
        "import sys, launchkit_aws.environment, launchkit_aws.ecr;"
        "print({name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not {"botocore", "aiobotocore", "aiohttp"} & eval(done.stdout)
    async with site_at(tmp_path) as site, started(AwsEnvironment(region=REGION), site) as aws:
        assert aws.partition.name == "aws"


def keep(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Have AWS's file of credentials say so, and nothing else."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    (folder / "credentials").write_text(text)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))


class Sts:
    """STS, which notes by which key it was asked, and gives each role a key of its own."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.expired: set[str] = set()
        self._roles = 0

    async def handle(self, request: web.Request) -> web.Response:
        found = re.search(r"Credential=([^/]+)/", request.headers.get("Authorization", ""))
        key = found[1] if found else ""
        self.keys.append(key)
        if key in self.expired:
            error = f"<Error><Code>ExpiredToken</Code><Message>{EXPIRED}</Message></Error>"
            text = f"<ErrorResponse>{error}</ErrorResponse>"
            return web.Response(status=403, text=text, content_type="text/xml")
        action = str((await request.post())["Action"])
        told = "<Account>123456789012</Account><UserId>u</UserId><Arn>arn:aws:iam::1:user/a</Arn>"
        if action == "AssumeRole":
            self._roles += 1
            ends = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
            told = (
                f"<Credentials><AccessKeyId>role-{self._roles}</AccessKeyId>"
                "<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
                f"<Expiration>{ends}</Expiration></Credentials>"
            )
        text = f"<{action}Response><{action}Result>{told}</{action}Result></{action}Response>"
        return web.Response(text=text, content_type="text/xml")

    def serving(self) -> Any:
        app = web.Application()
        app.router.add_post("/", self.handle)
        return serving(app)


async def test_an_error_of_uploading_names_file_and_place(
    environments: Environments, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    async with environments({"s3": "http://127.0.0.1:1"}) as aws:
        with pytest.raises(LaunchError, match=r"S3: bucket b-b: .*127\.0\.0\.1:1"):
            await aws.upload(tmp_path / "file", "s3://b-b/file")
