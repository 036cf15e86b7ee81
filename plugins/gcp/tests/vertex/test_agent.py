"""An agent of its own process that is killed in the middle of a custom job."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from pages import environ

from launchkit.testing import until

from .beside import PROJECT, REGION
from .fake import FakeVertex, S
from .making import IMAGE, config, endpoints

LINES = 40
CONFIG = """
queues: [train]
environment: {{type: gcp, project: {project}, region: {region}, endpoint_urls: {urls}}}
builder: {{type: noop}}
runners: {{gcp-vertex: {{poll_seconds: 0.2, log_rate: 50, log_seconds: 0.5}}}}
"""


async def test_an_agent_that_is_killed_leaves_one_job_and_a_whole_log(
    fake: FakeVertex, tmp_path: Path
) -> None:
    urls = endpoints(fake.grpc_url, fake.http_url)
    settings = CONFIG.format(project=PROJECT, region=REGION, urls=urls)
    (tmp_path / "launch-config.yaml").write_text(settings)
    (tmp_path / "queue.yaml").write_text(str(config()))
    (tmp_path / "train.sh").write_text(
        f'i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo "line $i"; sleep 0.1; done'
    )
    env = {
        **environ(tmp_path),
        "LAUNCHKIT_CONFIG": str(tmp_path / "launch-config.yaml"),
        "GOOGLE_APPLICATION_CREDENTIALS": os.environ["GOOGLE_APPLICATION_CREDENTIALS"],
    }
    here: dict[str, Any] = {"cwd": tmp_path, "env": env, "text": True}

    def typed(*words: str) -> str:
        command = [sys.executable, "-m", "launchkit", *words]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, **here).stdout

    typed("queue", "create", "train", "--resource", "gcp-vertex", "--config", "queue.yaml")
    entry = f"/bin/sh {tmp_path / 'train.sh'}"
    typed("launch", "-q", "train", "-d", IMAGE, "-E", entry, "--name", "one")
    with subprocess.Popen(
        [sys.executable, "-m", "launchkit", "agent"], stderr=subprocess.DEVNULL, **here
    ) as agent:
        await until(lambda: fake.count("POST /v2/entries:list") > 3)
        agent.kill()
    assert [job.state for job in fake.jobs.values()] == [S.JOB_STATE_RUNNING]
    typed("agent", "--exit-when-idle")
    assert [job.state for job in fake.jobs.values()] == [S.JOB_STATE_SUCCEEDED]
    printed = [line for line in typed("logs", "one").splitlines() if line.startswith("line ")]
    assert printed == [f"line {number}" for number in range(1, LINES + 1)]
    assert fake.count("CreateCustomJob") == 1
