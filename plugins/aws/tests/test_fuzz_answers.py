"""Whatever S3, ECR, STS and IAM answer, it is a value, or an error of launchkit's own."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from fuzzing.altered import altered, chance_of
from fuzzing.answering import Answering, answering
from fuzzing.trial import HEAVY, tried
from launchkit_aws import clients, place, s3
from launchkit_aws.clients import open_clients
from launchkit_aws.ecr_images import EcrImages
from launchkit_aws.ecr_login import EcrLogins
from launchkit_aws.ecr_names import EcrRepository
from launchkit_aws.errors import AwsError, explained
from launchkit_aws.place import AwsPlace
from launchkit_aws.rights import Need, rights_findings
from launchkit_aws.s3 import S3Address, check_bucket, remove, upload

REGION = "eu-west-1"
ADDRESS = S3Address.parse("s3://bucket/folder/name")
REPOSITORY = EcrRepository.of_parts("123456789012", REGION, "launch")
LOGIN = {
    "authorizationData": [
        {
            "authorizationToken": base64.b64encode(b"AWS:secret").decode(),
            "expiresAt": 1767322800.5,
            "proxyEndpoint": "https://x",
        }
    ]
}
IMAGES = {
    "imageDetails": [{"imageDigest": "sha256:" + 64 * "a", "imageTags": ["t"], "imageStatus": "x"}],
    "nextToken": None,
}
REFUSED = {"__type": "x#RepositoryNotFoundException", "message": "no"}
XML = (
    "<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>no</Message></Error>",
    (
        "<InitiateMultipartUploadResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'>"
        "<Bucket>b</Bucket><UploadId>u</UploadId></InitiateMultipartUploadResult>"
    ),
    (
        "<SimulatePrincipalPolicyResponse xmlns='https://iam.amazonaws.com/doc/2010-05-08/'>"
        "<SimulatePrincipalPolicyResult><EvaluationResults><member><EvalActionName>s3:Get"
        "</EvalActionName><EvalDecision>allowed</EvalDecision></member></EvaluationResults>"
        "</SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
    ),
    (
        "<GetRoleResponse><GetRoleResult><Role><Arn>arn:aws:iam::1:role/x</Arn></Role></GetRoleResult>"
        "</GetRoleResponse>"
    ),
    (
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>a</Arn></GetCallerIdentityResult>"
        "</GetCallerIdentityResponse>"
    ),
    "<!DOCTYPE x [<!ENTITY a '"
    + 10 * "x"
    + "'>"
    + "".join(f"<!ENTITY {chr(98 + at)} '{10 * f'&{chr(97 + at)};'}'>" for at in range(8))
    + "]><Error><Code>&i;</Code></Error>",
)
SMALL_PART = 1 << 16
PRINCIPAL = "arn:aws:sts::123456789012:assumed-role/launch/x"
NEED = Need(actions=("s3:Get", "s3:Put"))
HEADERS = ("ETag", "x-amz-bucket-region", "x-amzn-errortype", "Content-Type", "Location")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answering]:
    """It is asked once for each thing."""
    monkeypatch.setattr(clients, "TRIES", 1)
    monkeypatch.setattr(place, "TRIES", 1)
    monkeypatch.setattr(place, "FEW_TRIES", 1)
    monkeypatch.setattr(s3, "PART", SMALL_PART)
    with answering() as server:
        yield server


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A small one, and one that goes in two parts."""
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(b"x")
    with large.open("wb") as file:
        file.truncate(SMALL_PART + 1)
    return small, large


async def made(stack: AsyncExitStack, server: Answering) -> dict[str, Any]:
    """The client of each service."""
    services = ("s3", "sts", "ecr", "iam")
    at = AwsPlace(region=REGION, endpoint_urls=dict.fromkeys(services, server.url))
    opened = await open_clients(stack, at)
    return {service: await opened.get(service) for service in services}


def test_fuzz_what_aws_answers_beside_sagemaker_is_a_value_or_an_error(
    server: Answering, files: tuple[Path, Path]
) -> None:
    small, large = files
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        of = runner.run(made(stack, server))

        async def whoami() -> None:
            with explained("AWS"):
                str((await of["sts"].get_caller_identity())["Arn"])

        ways: Sequence[tuple[Any, Callable[[], Awaitable[Any]]]] = (
            *[(LOGIN, lambda: EcrLogins(of["ecr"], "ECR").get())] * 4,
            *[(IMAGES, lambda: EcrImages(of["ecr"], REPOSITORY).digest(("imageTag", "t")))] * 4,
            *[(None, lambda: check_bucket(of["s3"], "bucket", REGION))] * 2,
            *[(None, lambda: upload(of["s3"], small, ADDRESS))] * 2,
            *[(None, lambda: remove(of["s3"], ADDRESS))] * 2,
            *[(None, lambda: rights_findings(of["iam"], PRINCIPAL, [NEED], "s"))] * 4,
            *[(None, whoami)] * 2,
            (None, lambda: upload(of["s3"], large, ADDRESS)),
        )

        def read(text: str) -> None:
            chance = chance_of(text)
            sound, call = chance.choice(ways)
            whole = chance.choice(XML)
            body = text if len(text) % 3 == 0 else whole
            if sound is not None:
                body = json.dumps(altered(chance.choice((sound, sound, REFUSED)), text))
                body = text if len(text) % 9 == 0 else body
            elif chance.random() < 0.4:
                at = chance.randrange(len(whole))
                body = whole[:at] + text + whole[at:]
            server.answer(text, body.encode(errors="replace"), HEADERS)
            server.headers.pop("Location", None)  # type: ignore[attr-defined] # a dict
            if chance.random() < 0.6 or server.status in (429, 500, 503):
                server.status = 200  # after others the client's library pauses
            runner.run(asked(call))

        try:
            tried("answers of AWS beside SageMaker", read, XML, HEAVY)
        finally:
            runner.run(stack.aclose())


async def asked(call: Callable[[], Awaitable[Any]]) -> None:
    await call()


@pytest.mark.parametrize("images", [[None], [5], [{"imageDigest": "d", "imageTags": 5}]])
async def test_images_of_another_shape_are_an_error_of_aws(
    server: Answering, images: list[Any]
) -> None:
    server.body = json.dumps({"imageDetails": images}).encode()
    async with AsyncExitStack() as stack:
        ecr = (await made(stack, server))["ecr"]
        with pytest.raises(AwsError, match="none of AWS's"):
            await EcrImages(ecr, REPOSITORY).digest(("imageTag", "t"))
