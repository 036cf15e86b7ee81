"""The policy: what the agent's owner does not let a queue or a launch do."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from launchkit.codec import Path, dotted
from launchkit.errors import Rejected
from launchkit.model import Json, Launch
from launchkit.model.spec import STRICT
from launchkit.steps.walk import entries

HOST_KEYS = frozenset({"hostPID", "hostIPC", "hostNetwork"})
DOCKER = frozenset({"local-container", "docker"})
STRICT_OPTIONS = frozenset(
    {
        *("command", "cpu", "cpu-period", "cpu-quota", "cpu-shares", "cpus", "cpuset-cpus"),
        *("cpuset-mems", "e", "env", "gpus", "m", "memory", "memory-reservation", "memory-swap"),
        *("name", "pids-limit", "platform", "shm-size", "ulimit", "w", "workdir"),
    }
)
STRICT_LISTS = frozenset({"e", "env", "ulimit"})
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
    docker: Literal["open", "strict"] = "open"
    """strict: a Docker queue may use only the options in `STRICT_OPTIONS`."""
    gpu_slots: tuple[str, ...] | int | Literal["shared"] | None = None
    """The GPUs of this machine that runs may have, each one at a time: their ids, or how many.
    Without it, those that are found; with shared, runs may have the same."""
    secure_mode: bool = False
    """Refuse launches that could reach beyond their container, or run something else in it."""

    def __post_init__(self) -> None:
        if isinstance(self.gpu_slots, int) and self.gpu_slots < 0:
            raise ValueError("gpu_slots: must be a number from 0 on, a list of ids, or shared")

    def gpus(self) -> tuple[str, ...] | Literal["shared"] | None:
        """The ids of the GPUs that runs may have; a number stands for the first so many."""
        if isinstance(self.gpu_slots, int):
            return tuple(str(index) for index in range(self.gpu_slots))
        return self.gpu_slots


def check_policy(launch: Launch, policy: Policy) -> None:
    """Look whether a launch does what the policy forbids. :raises Rejected: naming all of it."""
    if policy.docker == "strict" and launch.resource in DOCKER:
        check_strict(launch.resource_args)
    if not policy.secure_mode:
        return
    problems = list(_secure_mode_problems(launch))
    if problems:
        raise Rejected(
            "secure mode forbids:\n" + "\n".join(problems),
            hint="take these out of the queue config or the launch,"
            " or have the agent's owner switch secure_mode off",
        )


def check_strict(args: Json) -> None:
    """Look whether the options of a Docker queue are among those that W&B's hardened agent takes
    (reference of its `local_container` runner). :raises Rejected: naming all that are not.
    """
    problems = [
        f"resource_args.{key}: {problem}"
        for key, value in args.items()
        if (problem := _strict_problem(option_name(key), value))
    ]
    if problems:
        raise Rejected(
            "policy.docker: strict forbids:\n" + "\n".join(problems),
            hint=f"it allows only {', '.join(sorted(STRICT_OPTIONS))}",
        )


def option_name(key: str) -> str:
    """An option of `docker run` as W&B reads it: without dashes before, and with none under."""
    return key.strip().lstrip("-").replace("_", "-").lower()


def _strict_problem(option: str, value: object) -> str | None:
    if option not in STRICT_OPTIONS:
        return "this option is not allowed"
    if isinstance(value, bool):
        return "flags are not allowed"
    if isinstance(value, list | tuple) and option not in STRICT_LISTS:
        return "this option may stand once only"
    return None


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
