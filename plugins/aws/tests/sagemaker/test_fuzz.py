"""Whatever a queue says, and whatever AWS answers, ends in a value or in an error."""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from random import Random
from typing import Any

import pytest
from fuzzing.altered import altered, chance_of
from fuzzing.answering import Answering, answering
from fuzzing.trial import HEAVY, LIGHT, Parse, mapping_of, tried
from launchkit_aws.place import AwsPlace
from launchkit_aws.sagemaker import api as calls
from launchkit_aws.sagemaker.api import Api, Trying, open_api
from launchkit_aws.sagemaker.args import check_args, parse_args
from launchkit_aws.sagemaker.board import Board, as_listed
from launchkit_aws.sagemaker.failures import failure
from launchkit_aws.sagemaker.jobs import listed, stop_of, tags
from launchkit_aws.sagemaker.logs import LogSource
from launchkit_aws.sagemaker.names import Ref
from launchkit_aws.sagemaker.request import Account, RequestContext, request_of
from launchkit_aws.sagemaker.run import RunPlace, TrainingRun

from launchkit.aio.retry import Backoff
from launchkit.codec import encode_json
from launchkit.model import ImageSource, Secret
from launchkit.runners.identity import AWS
from launchkit.testing import make_launch, make_submission

from .fake import ACCOUNT, IDENTITY, REGION
from .making import IMAGE, config

QUEUES = (
    config(),
    {"sagemaker": config(mirror_image=True, Tags=[{"Key": "team", "Value": "a"}])},
    config(
        TrainingJobName="train-${run_id}",
        EnableManagedSpotTraining=True,
        CheckpointConfig={"S3Uri": "s3://bucket/c"},
        StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 90},
        AlgorithmSpecification={
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "loss", "Regex": "loss=(.*)"}],
        },
        InputDataConfig=[
            {
                "ChannelName": "train",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/d"}},
            }
        ],
        VpcConfig={"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
        HyperParameters={"lr": "0.1"},
        Environment={"A": "b"},
    ),
    {"role_arn": "job", "resource_config": {"instance_type": "ml.m5.large", "instance_count": 1}},
)
ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/r"
JOB = {
    "TrainingJobName": "r",
    "TrainingJobArn": ARN,
    "TrainingJobStatus": "InProgress",
    "SecondaryStatus": "Training",
    "SecondaryStatusTransitions": [
        {"Status": "Starting", "StartTime": 1767322800.5, "StatusMessage": "Preparing"},
        {"Status": "Training", "StartTime": 1767322900, "EndTime": 1767322901},
    ],
    "FailureReason": "AlgorithmError: ExecuteUserScriptError: exit code: 1",
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    "ResourceConfig": {"InstanceGroups": [{"InstanceCount": 2}], "InstanceCount": 2},
    "CreationTime": 1767322800,
    "TrainingEndTime": 1767322999.25,
}
ANSWERS: Sequence[Any] = (
    JOB,
    {**JOB, "TrainingJobStatus": "Stopped", "SecondaryStatus": "MaxRuntimeExceeded"},
    {"TrainingJobSummaries": [{**JOB, "LastModifiedTime": 1767322900}]},
    {"Tags": [{"Key": "launchkit:stopped-by", "Value": "a"}, {"Key": "a", "Value": ""}]},
    {"logStreams": [{"logStreamName": "r/algo-1-1767322800"}]},
    {"events": [{"timestamp": 1767322900000, "message": "a line"}], "nextForwardToken": "f/1"},
    {"__type": "ValidationException", "message": "Could not find the requested job"},
)
REASONS = (
    "AlgorithmError: ExecuteUserScriptError: ExitCode 137 Please use a larger instance type",
    "ClientError: Unable to pull the image, spot instance was interrupted: no such file exec",
)
REF = Ref(REGION, "r")


def queues(text: str) -> None:
    chance = chance_of(text)
    args = mapping_of(text) if len(text) % 5 == 0 else altered(chance.choice(QUEUES), text)
    check_args(args)
    launch = make_launch(
        run_id=text[:40] or "r",
        name=text,
        project=text[:300],
        queue=text[-40:],
        author=text,
        entry_point=("sh", text),
        args=(text,),
        source=ImageSource(image=IMAGE),
        resource_args=args,
    )
    env = {"A": text[:512], "B": Secret(text[:300])}
    submission = make_submission("sh", text, launch=launch, image=IMAGE, env=env)
    account = Account(id=ACCOUNT, partition="aws")
    context = RequestContext(agent=text[:99], region=REGION, account=account)
    json.dumps(request_of(parse_args(args), submission, context, masks=bool(len(text) % 2)))


def reasons(text: str) -> None:
    encode_json(failure(text))


PARSERS: dict[str, tuple[Parse, tuple[str, ...], float]] = {
    "queues": (queues, (), 1),
    "reasons": (reasons, REASONS, LIGHT),
}


@pytest.mark.parametrize("name", PARSERS)
def test_fuzz_what_a_queue_or_a_reason_says_is_a_value_or_an_error(name: str) -> None:
    tried(f"SageMaker's {name}", *PARSERS[name])


@pytest.fixture
def server() -> Iterator[Answering]:
    with answering() as server:
        yield server


async def looked(api: Api, chance: Random) -> None:
    """One of the ways in which an answer is read."""

    async def job() -> None:
        place = RunPlace(api=api, board=Board(api, 1.0), agent="a", log_seconds=0.0)
        encode_json(await TrainingRun(REF, place).status()).encode()

    async def of_tags() -> None:
        found = await tags(api, ARN)
        AWS.parse(found)
        stop_of(found)

    async def board() -> None:
        for one in (await listed(api, "InProgress", None, {"r", "q"})).values():
            as_listed(one)

    async def log() -> None:
        async def whole_at() -> float:
            return math.inf

        source = LogSource(api, "r", lambda: 2, whole_at)
        assert await source.over()
        async with source.open(None) as pieces:
            async for _ in pieces:
                pass

    ways: Sequence[Callable[[], Awaitable[object]]] = (job, job, of_tags, board, log, api.identity)
    await chance.choice(ways)()


def test_fuzz_what_aws_answers_is_a_value_or_an_error(
    server: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = Trying(on=lambda _: False, backoff=Backoff(deadline=0.0))
    monkeypatch.setattr(calls, "PATIENT", once)
    monkeypatch.setattr(calls, "WITH_LOGIN", once)
    services = ("sagemaker", "logs", "sts")
    place = AwsPlace(region=REGION, endpoint_urls=dict.fromkeys(services, server.url))

    def read(text: str) -> None:
        chance = chance_of(text)
        body = json.dumps(altered(chance.choice(ANSWERS), text)).encode()
        if len(text) % 5 == 0:
            body = chance.choice((text, IDENTITY.replace(ACCOUNT, text))).encode(errors="replace")
        server.answer(text, body, ("x-amzn-errortype", "Retry-After", "Content-Type"))
        runner.run(looked(api, chance))

    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        api = runner.run(open_api(stack, place, rate=1e6, log_rate=1e6))
        try:
            tried("answers of AWS", read, share=HEAVY)
        finally:
            with suppress(TimeoutError):
                runner.run(stack.aclose())
