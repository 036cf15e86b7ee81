"""Of what answers in AWS's place no more is read than AWS would say."""

from contextlib import AsyncExitStack

import pytest
from fuzzing.answering import answering
from launchkit_aws import bounded
from launchkit_aws.clients import open_clients
from launchkit_aws.errors import AwsAway, AwsError, explained
from launchkit_aws.place import AwsPlace
from saying import CRUMBS, saying

LONG = b"<a>" + b"x" * 2000 + b"</a>"
ENTITIES = b"<!DOCTYPE a [<!ENTITY x 'xxxxxxxxx'>]><a>" + b"&x;" * 99 + b"</a>"


@pytest.mark.parametrize("status", [200, 403])
@pytest.mark.parametrize(
    ("body", "said"),
    [(LONG, "more than 1000 bytes"), (ENTITIES, "defines entities")],
    ids=["long", "entities"],
)
async def test_of_what_aws_answers_no_more_is_read_than_it_would_say(
    monkeypatch: pytest.MonkeyPatch, body: bytes, said: str, status: int
) -> None:
    monkeypatch.setattr(bounded, "LONGEST_ANSWER", 1000)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    with answering() as server:
        server.status, server.body = status, body
        place = AwsPlace(region="eu-west-1", endpoint_urls={"sts": server.url})
        async with AsyncExitStack() as stack:
            sts = await (await open_clients(stack, place)).get("sts")
            with pytest.raises(AwsAway, match=said), explained("AWS"):
                await sts.get_caller_identity()


async def test_who_begins_tls_in_very_many_records_in_place_of_aws_is_hung_up_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("launchkit_aws.place.TRIES", 1)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    async with saying(CRUMBS) as server, AsyncExitStack() as stack:
        place = AwsPlace(region="eu-west-1", endpoint_urls={"s3": f"https://{server}"})
        s3 = await (await open_clients(stack, place)).get("s3")
        with pytest.raises(AwsError, match="too many TLS records"), explained("S3"):
            await s3.list_buckets()
