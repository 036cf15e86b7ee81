"""The policy: what the agent's owner does not let a queue or a launch do."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from launchkit.codec import Path, dotted
from launchkit.errors import Rejected
from launchkit.model import Launch
from launchkit.model.spec import STRICT
from launchkit.steps.walk import entries

HOST_KEYS = frozenset({"hostPID", "hostIPC", "hostNetwork"})
CONTAINER_LISTS = frozenset({"containers", "ephemeralContainers"})


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The settings under `policy`."""

    __pydantic_config__: ClassVar = STRICT

    macros_from_env: tuple[str, ...] = ()
    """Variables of the agent's environment that a queue config may use as `${NAME}`."""
    env_from_agent: tuple[str, ...] = ()
    """Variables of the agent's environment that a job or a launch may take by naming them
    without a value. A queue config may always do so."""
    secure_mode: bool = False
    """Refuse launches that could reach beyond their container, or run something else in it."""


def check_policy(launch: Launch, policy: Policy) -> None:
    """Look whether a launch does what the policy forbids. :raises Rejected: naming all of it."""
    if not policy.secure_mode:
        return
    problems = list(_secure_mode_problems(launch))
    if problems:
        raise Rejected(
            "secure mode forbids:\n" + "\n".join(problems),
            hint="take these out of the queue config or the launch,"
            " or have the agent's owner switch secure_mode off",
        )


def _secure_mode_problems(launch: Launch) -> Iterator[str]:
    if launch.origins.get("entry_point") == "launch":
        yield "entry_point: a launch cannot choose it; only its job can"
    for path, value in entries(launch.resource_args):
        reason = _forbidden(path) if value else None
        if reason:
            yield f"resource_args.{dotted(path)}: {reason}"


def _forbidden(path: Path) -> str | None:
    key = path[-1]
    if key in HOST_KEYS:
        return "the host's namespaces are closed"
    if key == "initContainers":
        return "init containers are not allowed"
    in_container = len(path) > 2 and isinstance(path[-2], int) and path[-3] in CONTAINER_LISTS
    if key == "command" and in_container:
        return "a container's command cannot be set"
    return None
