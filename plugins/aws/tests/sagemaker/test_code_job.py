"""Code is built, pushed to ECR and trained, as the tutorial of SageMaker promises it."""

import os
import shutil
import sys
from pathlib import Path
from uuid import uuid4

import anyio
from docker_engine import Engine
from pages import environ

from ..conftest import REGION as HOME
from ..ecr_server import ACCOUNT, EcrApi
from ..fake_aws import FakeAws as Ecr
from .fake import FakeAws
from .making import config

CONFIG = """
queues: [train]
environment: {{type: aws, region: {region}, endpoint_urls: {{ecr: "{ecr}"}}}}
registry: {{type: ecr, account_id: {account}, region: {region}, repo_name: {name}, host: "{host}"}}
builder: {{type: docker}}
runners: {{sagemaker: {{region: us-east-1, poll_seconds: 0.2, log_seconds: 0.3}}}}
"""


async def test_code_is_built_pushed_and_trained(
    docker_engine: Engine, ecr_api: EcrApi, fake: FakeAws, tmp_path: Path
) -> None:
    name, host = f"lk-{uuid4().hex[:12]}/job", ecr_api.served.host
    fake.runs_images = True
    code = tmp_path / "code"
    code.mkdir()
    shutil.copy("/bin/busybox", code / "busybox")
    (code / "Dockerfile").write_text(f"FROM scratch\nCOPY busybox /bin/sh\nENV MADE={name}\n")
    (tmp_path / "queue.yaml").write_text(str(config()))
    env = {
        **environ(tmp_path),
        "DOCKER_BUILDKIT": "0",
        "LAUNCHKIT_CONFIG": str(tmp_path / "launch-config.yaml"),
        **{key: value for key, value in os.environ.items() if key.startswith("AWS_")},
    }

    async def typed(*words: str) -> str:
        command = [sys.executable, "-m", "launchkit", *words]
        return (await anyio.run_process(command, env=env, cwd=tmp_path)).stdout.decode()

    async with Ecr("ecr", ecr_api).serving() as url:
        settings = CONFIG.format(ecr=url, region=HOME, account=ACCOUNT, name=name, host=host)
        (tmp_path / "launch-config.yaml").write_text(settings)
        await typed("queue", "create", "train", "--resource", "sagemaker", "--config", "queue.yaml")
        entry = "/bin/sh -c 'echo trained in $MADE as $LAUNCHKIT_QUEUE'"
        source = ("-u", str(code), "--dockerfile", "Dockerfile")
        await typed("launch", "-q", "train", *source, "-E", entry, "--name", "one")
        await typed("agent", "--exit-when-idle")
        shown, printed = await typed("show", "one"), await typed("logs", "one")
    (job,) = fake.jobs.values()
    assert job.status == "Completed", (shown, printed)
    image = job.request["AlgorithmSpecification"]["TrainingImage"]
    assert image.startswith(f"{host}/{name}")
    assert f"trained in {name} as train" in printed
    assert ecr_api.repositories == {name}
    for one in docker_engine.images(f"{host}/{name}"):
        docker_engine.remove(one)
