"""The request with which the Engine creates the container of a submission."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launchkit.code.in_base_image import MOUNT
from launchkit.model import Submission
from launchkit.runners.identity import DOCKER, RunIdentity
from launchkit_docker.containers import labels
from launchkit_docker.containers.body import container_body
from launchkit_docker.containers.code import laid_in
from launchkit_docker.containers.names import checked_name
from launchkit_docker.options.parsing import Options

ROTATING = frozenset({"json-file", "local"})
UNLIMITED = {"max-size": "1p"}
"""A petabyte: they take no word for "never"."""


@dataclass(frozen=True, kw_only=True)
class RunContext:
    """What the agent adds to a submission."""

    env: Mapping[str, str]
    gpus: tuple[str, ...] | None = None
    code: Path | None = None
    """Where the code is kept that is laid into the container."""
    agent: str = ""
    closed_cgroups: bool = False
    """Whether the host's cgroup namespace is closed, also where the options say nothing of it."""
    log_driver: str = ""
    """The Engine's own, which keeps the output where the options name none."""


def container_name(options: Options, submission: Submission) -> str:
    """The same for each try of an attempt, and another for each attempt: the name of the
    submission, or the one in the options, with what makes it the only one of its kind.

    :raises Rejected: if no container can have it.
    """
    launch = submission.launch
    named = f"{options.name}-{launch.run_id}-{launch.attempt}" if options.name else submission.name
    return checked_name(named)


def request_of(options: Options, submission: Submission, context: RunContext) -> dict[str, Any]:
    """The body of `POST /containers/create`.

    :raises Rejected: if code is to be laid into the container, and nothing says what to start.
    """
    named = {
        **DOCKER.labels(RunIdentity.of(submission.launch, context.agent)),
        labels.REMOVE: str(options.remove).lower(),
        labels.GPUS: ",".join(context.gpus or ()),  # an image may have one of its own
    }
    has_code = submission.code is not None
    body = container_body(
        options,
        submission,
        env=context.env,
        gpu_ids=context.gpus,
        labels=named,
        binds=(f"{context.code or 'CODE'}:{MOUNT}:ro",) if has_code else (),
    )
    if context.closed_cgroups:
        body["HostConfig"].setdefault("CgroupnsMode", "private")
    body["HostConfig"] |= _unrotated(body["HostConfig"].get("LogConfig", {}), context.log_driver)
    return laid_in(body, submission) if has_code else body


def _unrotated(config: Mapping[str, Any], default: str) -> dict[str, Any]:
    """Output is kept until it was copied, also where the Engine's settings rotate it by default:
    an agent that goes on for another counts bytes from the beginning.
    """
    driver = config.get("Type") or default
    if driver not in ROTATING:
        return {}
    return {"LogConfig": {"Type": driver, "Config": {**UNLIMITED, **config.get("Config", {})}}}
