"""What is sent to AWS is sent nowhere else by what answers there."""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from fuzzing.answering import Answering, answering
from launchkit_aws.clients import open_clients
from launchkit_aws.errors import AwsError, explained
from launchkit_aws.place import AwsPlace


@pytest.fixture
def elsewhere() -> Iterator[Answering]:
    with answering() as server:
        yield server


@pytest.fixture
def leading(elsewhere: Answering) -> Iterator[Answering]:
    with answering() as server:
        server.status, server.headers = 307, {"Location": elsewhere.url}
        yield server


async def test_what_is_sent_to_aws_follows_no_redirect(
    leading: Answering, elsewhere: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    place = AwsPlace(region="eu-west-1", endpoint_urls={"s3": leading.url})
    async with AsyncExitStack() as stack:
        s3 = await (await open_clients(stack, place)).get("s3")
        with pytest.raises(AwsError), explained("S3"):
            await s3.put_object(Bucket="bucket", Key="key", Body=b"code")
    assert (leading.asked > 0, elsewhere.asked) == (True, 0)


async def test_a_token_for_a_role_of_aws_follows_no_redirect(
    leading: Answering, elsewhere: Answering, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "token").write_text("secret")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/agent")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", leading.url)
    place = AwsPlace(region="eu-west-1", endpoint_urls={})
    async with AsyncExitStack() as stack:
        clients = await open_clients(stack, place)
        with pytest.raises(AwsError), explained("STS"):
            await clients.credentials.get_frozen_credentials()
    assert (leading.asked > 0, elsewhere.asked) == (True, 0)
