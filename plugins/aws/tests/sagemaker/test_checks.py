"""What a runner of SageMaker says of itself, its queues and rights before anything is launched."""

from pathlib import Path

import pytest
from launchkit_aws.environment import AwsEnvironment
from launchkit_aws.sagemaker.runner import SageMakerRunner

from launchkit.errors import ConfigError
from launchkit.testing import RecordingOutput, site_at, started

from .fake import ACCOUNT, REGION, FakeAws
from .making import config, job_of, runner, submission


async def test_spot_without_checkpoints_and_another_image_are_told_before(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    own = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/own:1"
    spot = config(
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 1},
        AlgorithmSpecification={"TrainingImage": own},
    )
    out = RecordingOutput()
    await made.prepare(submission(args=spot), out)
    assert out.marks[0].startswith("EnableManagedSpotTraining without CheckpointConfig")
    assert out.marks[1].startswith(f"the queue config runs {own}, not the job's")


async def test_only_a_bare_role_asks_whose_account_it_is(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    await made.prepare(submission(), RecordingOutput())
    assert fake.count("GetCallerIdentity") == 0
    bare = submission(args=config(RoleArn="train"))
    for _ in range(2):
        await made.prepare(bare, RecordingOutput())
    await made.submit(bare)
    assert fake.count("GetCallerIdentity") == 1
    wanted = f"arn:aws:iam::{ACCOUNT}:role/train"
    assert job_of(fake, bare).request["RoleArn"] == wanted
    assert made.render(bare)["RoleArn"] == wanted


async def test_a_runner_needs_an_environment_or_a_region(tmp_path: Path, fake: FakeAws) -> None:
    async with site_at(tmp_path) as site:
        with pytest.raises(ConfigError, match=r"needs environment: \{type: aws\}"):
            async with started(SageMakerRunner(), site):
                pass
    environment = AwsEnvironment(region=REGION)
    async with site_at(tmp_path, environment=environment) as site:
        async with started(environment, site), started(SageMakerRunner(), site) as one:
            finding, rights = await one.check()
            assert (rights.level, "may do all 8 actions" in rights.message) == ("ok", True)
            assert (finding.level, finding.message) == ("ok", f"answers, for account {ACCOUNT}")
        async with started(environment, site), started(runner(region="eu-west-1"), site) as one:
            assert one.ref_of(submission()).startswith("eu-west-1/")


async def test_a_check_names_the_right_that_is_missing(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    fake.denied.add("ListTrainingJobs")
    (finding,) = await made.check()
    assert finding.level == "error"
    assert "not authorized to perform: ListTrainingJobs" in finding.message


async def test_a_check_with_credentials_that_have_expired_says_so_soon(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    fake.expired.add("ann")
    (finding,) = await made.check()
    assert finding.level == "error"
    assert "ExpiredToken" in finding.message
    assert "aws sts get-caller-identity" in str(finding.hint)


async def test_a_check_of_a_place_that_is_away_says_so_soon(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    fake.throttled = 1.0
    (finding,) = await made.check()
    assert (finding.level, "asked too much" in finding.message) == ("error", True)


async def test_a_check_of_a_queue_tells_whether_its_role_may_be_given(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    (fine,) = await made.check_queue(config(RoleArn="train"))
    assert fine.level == "ok"
    assert not await made.check_queue(config(RoleArn="{{role}}"))
    fake.denied.add("PassRole")
    (lacking,) = await made.check_queue(config(RoleArn="other"))
    assert lacking.level == "warning"
    assert f'"Resource": "arn:aws:iam::{ACCOUNT}:role/other"' in str(lacking.hint)
    assert '{"iam:PassedToService": "sagemaker.amazonaws.com"}' in str(lacking.hint)


async def test_a_check_prints_the_statements_that_its_policy_lacks(
    made: SageMakerRunner, fake: FakeAws
) -> None:
    fake.denied |= {"StopTrainingJob", "GetLogEvents"}
    _, rights = await made.check()
    assert rights.level == "warning"
    assert f'"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/*"' in str(rights.hint)
    assert '"Action": ["sagemaker:StopTrainingJob"]' in str(rights.hint)
    assert '"Action": ["logs:GetLogEvents"]' in str(rights.hint)
