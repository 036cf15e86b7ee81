"""Configs, submissions and runners that the tests of SageMaker share."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from launchkit_aws.sagemaker.names import job_name
from launchkit_aws.sagemaker.runner import SageMakerRunner

from launchkit.model import Submission
from launchkit.testing import Workload, make_launch, make_submission

from .fake import ACCOUNT, REGION, FakeAws

IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/train:1"
SHELL = "/bin/sh"


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


class Trainings(Workload):
    """Shell scripts as training jobs of the fake account, which runs them as processes."""

    def __init__(self, fake: FakeAws, place: Path) -> None:
        self.fake, self.place = fake, place

    def exits(self, code: int) -> Submission:
        return self.shell(f"exit {code}")

    def waits(self) -> Submission:
        return self.shell("trap 'exit 0' TERM; sleep 600 & wait")

    def prints(self, text: str) -> Submission:
        return self.shell(f"printf %s {shlex.quote(text)}")

    def shell(self, script: str) -> Submission:
        """The script is in the image, so to say: arguments have at most 256 letters."""
        made = submission()
        path = self.place / f"{made.name}.sh"
        path.write_text(script)
        command = (SHELL, str(path))
        return replace(made, command=command, launch=replace(made.launch, entry_point=command))

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

    async def alive(self, submission: Submission) -> Sequence[str]:
        job = self.fake.jobs.get(name_of(submission))
        if job is None or job.pid is None:
            return []
        found = []
        for one in Path("/proc").glob("[0-9]*/stat"):
            try:
                words = one.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if words[2] == str(job.pid) and words[0] != "Z":
                found.append(one.parent.name)
        return found
