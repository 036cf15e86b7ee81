"""Configs, submissions and runners that the tests of SageMaker share."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from launchkit_aws.sagemaker.names import job_name
from launchkit_aws.sagemaker.runner import SageMakerRunner

from launchkit.model import Submission
from launchkit.testing import ShellJobs, make_launch, make_submission

from .fake import ACCOUNT, REGION, FakeAws, Job

IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/train:1"
Runners = Callable[..., AbstractAsyncContextManager[SageMakerRunner]]


def config(**fields: Any) -> dict[str, Any]:
    """The seed's config, filled in; *fields* are others of CreateTrainingJob."""
    return {
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/job",
        "ResourceConfig": {"InstanceType": "ml.m4.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 2},
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        **fields,
    }


def submission(*command: str, args: Any = None, image: str | None = IMAGE, **fields: Any) -> Any:
    """What the runner gets; *fields* are others of `Launch`."""
    found = config() if args is None else args
    launch = make_launch(entry_point=command, resource="sagemaker", resource_args=found, **fields)
    return make_submission(*command, launch=launch, image=image)


def runner(**settings: Any) -> SageMakerRunner:
    """One that asks the fake, and does not wait for long."""
    quick = {"poll_seconds": 0.1, "api_rate": 2000.0, "log_rate": 2000.0, "log_seconds": 0.2}
    return SageMakerRunner(**{"region": REGION} | quick | settings)


def name_of(one: Submission) -> str:
    """The name of its training job."""
    return job_name(one.resource_args.get("TrainingJobName"), one)


def job_of(fake: FakeAws, one: Submission) -> Job:
    """Its training job."""
    return fake.jobs[name_of(one)]


class Trainings(ShellJobs):
    """Shell scripts as training jobs of the fake account, which runs them as processes."""

    def __init__(self, fake: FakeAws, place: Path) -> None:
        super().__init__(place)
        self.fake = fake

    def submission(self) -> Submission:
        made: Submission = submission()
        return made

    async def starts(self, submission: Submission) -> int:
        return self.fake.starts[name_of(submission)]

    async def traces(self, submission: Submission) -> Sequence[str]:
        """SageMaker keeps jobs for ever: one that is over has a mark."""
        job = self.fake.jobs.get(name_of(submission))
        return [] if job is None or "launchkit:over" in job.tags else [job.name]

    async def exposed(self, submission: Submission) -> bytes:
        job = self.fake.jobs[name_of(submission)]
        told = {key: one for key, one in job.description().items() if key != "Environment"}
        return repr((told, job.tags)).encode()

    def pids(self, submission: Submission) -> Collection[int]:
        job = self.fake.jobs.get(name_of(submission))
        return [] if job is None or job.pid is None else [job.pid]
