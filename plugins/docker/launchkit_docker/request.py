"""The request with which the Engine creates the container of a submission."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launchkit.model import Submission
from launchkit_docker import labels
from launchkit_docker.body import container_body
from launchkit_docker.code import MOUNT, laid_in
from launchkit_docker.options import Options


@dataclass(frozen=True, kw_only=True)
class Given:
    """What the agent adds to a submission."""

    env: Mapping[str, str]
    gpus: tuple[str, ...] | None = None
    code: Path | None = None
    """Where the code is kept that is laid into the container."""
    agent: str = ""


def request_of(options: Options, submission: Submission, given: Given) -> dict[str, Any]:
    """The body of `POST /containers/create`.

    :raises Rejected: if code is to be laid into the container, and nothing says what to start.
    """
    launch = submission.launch
    named = {
        labels.RUN: launch.run_id,
        labels.ENTITY: launch.entity,
        labels.QUEUE: launch.queue,
        labels.ITEM: launch.item_id,
        labels.ATTEMPT: str(launch.attempt),
        labels.AGENT: given.agent,
        labels.REMOVE: str(options.remove).lower(),
        **({labels.GPUS: ",".join(given.gpus)} if given.gpus else {}),
    }
    has_code = submission.code is not None
    body = container_body(
        options,
        submission,
        env=given.env,
        gpu_ids=given.gpus,
        labels=named,
        binds=(f"{given.code or 'CODE'}:{MOUNT}:ro",) if has_code else (),
    )
    return laid_in(body, submission) if has_code else body
