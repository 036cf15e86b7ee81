"""Configs, submissions and runners that the tests of Vertex AI share."""

import json
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from launchkit_gcp.vertex.runner import VertexRunner

from launchkit.model import Submission
from launchkit.testing import ShellJobs, make_launch, make_submission

from .beside import BUCKET, PROJECT, REGION
from .fake import ENDED, FakeVertex, Job

IMAGE = f"{REGION}-docker.pkg.dev/{PROJECT}/launch/train:1"
ACCOUNT = f"agent@{PROJECT}.iam.gserviceaccount.com"
Runners = Callable[..., AbstractAsyncContextManager[VertexRunner]]


def pool(**fields: Any) -> dict[str, Any]:
    """The seed's worker pool; *fields* are others of WorkerPoolSpec."""
    return {
        "machine_spec": {
            "machine_type": "n1-standard-4",
            "accelerator_type": "ACCELERATOR_TYPE_UNSPECIFIED",
            "accelerator_count": 0,
        },
        "replica_count": 1,
        "container_spec": {"image_uri": IMAGE},
        **fields,
    }


def config(run: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    """The seed's config, filled in; *spec* are other arguments of CustomJob."""
    return {
        "spec": {"worker_pool_specs": [pool()], "staging_bucket": f"gs://{BUCKET}", **spec},
        "run": {"restart_job_on_worker_restart": False} if run is None else run,
    }


def submission(*command: str, args: Any = None, image: str | None = IMAGE, **fields: Any) -> Any:
    """What the runner gets; *fields* are others of `Launch`."""
    found = config() if args is None else args
    launch = make_launch(entry_point=command, resource="gcp-vertex", resource_args=found, **fields)
    return make_submission(*command, launch=launch, image=image)


def endpoints(grpc_url: str, http_url: str) -> dict[str, str]:
    """Where the services of the fake project answer."""
    others = ("logging", "storage", "cloudresourcemanager", "iam", "artifactregistry")
    return {"aiplatform": grpc_url, **dict.fromkeys(others, http_url)}


def runner(fake: FakeVertex, **settings: Any) -> VertexRunner:
    """One that asks the fake, and does not wait for long."""
    quick = {"poll_seconds": 0.1, "api_rate": 2000.0, "log_rate": 2000.0, "log_seconds": 0.3}
    place = {"project": PROJECT, "region": REGION}
    urls = {"endpoint_urls": endpoints(fake.grpc_url, fake.http_url)}
    return VertexRunner(**place | urls | quick | settings)


def write_key(path: Path, fake: FakeVertex, private_key: str) -> None:
    """The key of a service account, whose tokens the fake gives."""
    told = {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "k1",
        "private_key": private_key,
        "client_email": ACCOUNT,
        "client_id": "1",
        "token_uri": f"{fake.http_url}/token",
    }
    path.write_text(json.dumps(told))


def job_of(fake: FakeVertex, one: Submission) -> Job:
    """The one job of a submission."""
    (job,) = fake.of_run(one.launch.run_id)
    return job


class Trainings(ShellJobs):
    """Shell scripts as custom jobs of the fake project, which runs them as processes."""

    def __init__(self, fake: FakeVertex, place: Path) -> None:
        super().__init__(place)
        self.fake = fake

    def submission(self) -> Submission:
        made: Submission = submission()
        return made

    async def starts(self, submission: Submission) -> int:
        return self.fake.starts[submission.launch.run_id]

    async def traces(self, submission: Submission) -> Sequence[str]:
        """Vertex AI keeps jobs for ever: what is left is one that has not ended."""
        jobs = self.fake.of_run(submission.launch.run_id)
        return [job.number for job in jobs if job.state not in ENDED]

    async def exposed(self, submission: Submission) -> bytes:
        jobs = [job.view for job in self.fake.of_run(submission.launch.run_id)]
        told = [type(job)(job) for job in jobs]
        for job in told:
            for one in job.job_spec.worker_pool_specs:
                one.container_spec.env = []
        return repr(told).encode()

    def pids(self, submission: Submission) -> Collection[int]:
        return [job.pid for job in self.fake.of_run(submission.launch.run_id) if job.pid]
