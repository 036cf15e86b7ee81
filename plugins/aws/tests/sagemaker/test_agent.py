"""An agent of its own process that is killed in the middle of a training job."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pages import environ

from launchkit.testing import until

from .fake import FakeAws
from .making import IMAGE, config

LINES = 40
CONFIG = """
queues: [train]
environment: {type: aws, region: us-east-1}
builder: {type: noop}
runners: {sagemaker: {poll_seconds: 0.2, log_seconds: 0.3}}
"""


def told_to(place: Path, queue: dict[str, Any]) -> tuple[Callable[..., str], dict[str, Any]]:
    """What runs commands in a directory with a queue, and where and with what it runs them."""
    (place / "launch-config.yaml").write_text(CONFIG)
    (place / "queue.yaml").write_text(str(queue))
    env = {
        **environ(place),
        "LAUNCHKIT_CONFIG": str(place / "launch-config.yaml"),
        **{name: value for name, value in os.environ.items() if name.startswith("AWS_")},
    }
    here: dict[str, Any] = {"cwd": place, "env": env, "text": True}

    def typed(*words: str) -> str:
        command = [sys.executable, "-m", "launchkit", *words]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, **here).stdout

    typed("queue", "create", "train", "--resource", "sagemaker", "--config", "queue.yaml")
    return typed, here


async def test_an_agent_that_is_killed_leaves_one_job_and_a_whole_log(
    fake: FakeAws, tmp_path: Path
) -> None:
    typed, here = told_to(tmp_path, config())
    (tmp_path / "train.sh").write_text(
        f'i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo "line $i"; sleep 0.1; done'
    )
    entry = f"/bin/sh {tmp_path / 'train.sh'}"
    typed("launch", "-q", "train", "-d", IMAGE, "-E", entry, "--name", "one")
    with subprocess.Popen(
        [sys.executable, "-m", "launchkit", "agent"], stderr=subprocess.DEVNULL, **here
    ) as agent:
        await until(lambda: fake.count("GetLogEvents") > 3)
        agent.kill()
    assert [job.status for job in fake.jobs.values()] == ["InProgress"]
    typed("agent", "--exit-when-idle")
    assert [job.status for job in fake.jobs.values()] == ["Completed"]
    printed = [line for line in typed("logs", "one").splitlines() if line.startswith("line ")]
    assert printed == [f"line {number}" for number in range(1, LINES + 1)]
    assert fake.count("CreateTrainingJob") == 1


def test_a_macro_makes_no_tag_of_launchkits_own(fake: FakeAws, tmp_path: Path) -> None:
    typed, _ = told_to(tmp_path, config(Tags=[{"Key": "${run_name}", "Value": "x"}]))
    typed("launch", "-q", "train", "-d", IMAGE, "-E", "true", "--name", "launchkit:over")
    typed("agent", "--exit-when-idle")
    told = typed("ls", "-o", "json")
    assert "resource_args.Tags[0].Key: launchkit:over is a name of launchkit's own" in told
    assert fake.count("CreateTrainingJob") == 0
