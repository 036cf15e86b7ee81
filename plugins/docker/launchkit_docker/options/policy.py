"""What an agent's owner may decide about Docker under `policy`, and what that forbids."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from launchkit.abc import Policy
from launchkit.model import Json
from launchkit.resolving.macros import MACRO
from launchkit_docker.options.gpu_request import gpus
from launchkit_docker.options.parsing import option_name
from launchkit_docker.options.table import OPTIONS

STRICT_OPTIONS = frozenset(
    {
        *("command", "cpu", "cpu-period", "cpu-quota", "cpu-shares", "cpus", "cpuset-cpus"),
        *("cpuset-mems", "e", "env", "gpus", "m", "memory", "memory-reservation", "memory-swap"),
        *("name", "pids-limit", "platform", "shm-size", "ulimit", "w", "workdir"),
    }
)
"""Those that W&B's hardened agent takes (reference of its `local_container` runner)."""
PROGRAMS = frozenset({"command", "entrypoint", "health-cmd"})
HARMLESS = frozenset(
    {
        *("blkio-weight", "c", "cpu", "cpu-period", "cpu-quota", "cpu-shares", "cpus"),
        *("cpuset-cpus", "cpuset-mems", "m", "memory", "memory-reservation", "memory-swap"),
        *("memory-swappiness", "pids-limit", "shm-size", "stop-timeout", "ulimit"),
    }
)
"""What gives a container an amount of the machine, and nothing else."""
NAMESPACES = frozenset({"cgroupns", "ipc", "net", "network", "pid", "userns", "uts"})
STRICT_LISTS = frozenset({"e", "env", "ulimit"})


@dataclass(frozen=True, kw_only=True)
class DockerPolicy:
    """The keys of this plugin under `policy`."""

    docker: Literal["open", "strict"] = "open"
    """strict: a Docker queue may use only limits of CPU and memory and a few other options."""
    gpu_slots: (
        tuple[str, ...]
        | Annotated[int, Field(strict=True, ge=0, le=1024)]
        | Literal["shared"]
        | None
    ) = None
    """The GPUs of this machine that runs may have, each one at a time: their ids, or how many.
    Without it, those that are found; with shared, runs may have the same."""

    def gpus(self) -> tuple[str, ...] | Literal["shared"] | None:
        """The ids of the GPUs that runs may have; a number stands for the first so many."""
        if isinstance(self.gpu_slots, int):
            return tuple(str(index) for index in range(self.gpu_slots))
        return self.gpu_slots


def closes_cgroups(policy: Policy) -> bool:
    """Whether a container is to have a cgroup namespace of its own where its options say none: with
    cgroups of the first version an Engine gives it the host's.
    """
    return policy.secure_mode or policy.part(DockerPolicy).docker == "strict"


def strict_objections(args: Json) -> Iterator[str]:
    """What `policy.docker: strict` does not allow in the config of a Docker queue."""
    problems = [
        f"resource_args.{key}: {problem}"
        for key, value in args.items()
        if (problem := _problem(option_name(key), value))
    ]
    yield from problems
    if problems:
        yield f"policy.docker: strict allows only {', '.join(sorted(STRICT_OPTIONS))}"


def secure_objections(args: Json) -> Iterator[str]:
    """What `policy.secure_mode` does not allow: what reaches out of a container, or runs something
    else in it.
    """
    for key, value in args.items():
        option = option_name(key)
        if option in PROGRAMS:
            yield f"resource_args.{key}: a container's command cannot be set, nor its health's"
        elif option == "privileged" and value:
            yield f"resource_args.{key}: the host's devices are closed"
        elif option in NAMESPACES and any(_reaches_out(option, text) for text in _texts(value)):
            yield f"resource_args.{key}: the namespaces of the host and of others are closed"


def harmless_options(args: Json) -> frozenset[str]:
    """Options that a launch may choose where the policy opens all of them: amounts, and GPUs that
    are no other devices.
    """
    asked = (value for key, value in args.items() if option_name(key) == "gpus")
    texts = [text for value in asked for text in _texts(value)]
    others = any(_is_no_gpu(text) or MACRO.search(text) for text in texts)
    return HARMLESS if others else HARMLESS | {"gpus"}


def _texts(value: object) -> list[str]:
    return [*map(str, value)] if isinstance(value, list | tuple) else [str(value)]


def _reaches_out(option: str, value: str) -> bool:
    """As the option is read, in each of its forms; what a macro becomes is not known yet."""
    try:
        piece = OPTIONS[option].parse(value)
    except ValueError:
        piece = value  # which is refused once all options are read
    name = str(piece[":networks"][0]["Name"] if isinstance(piece, dict) else piece).strip().lower()
    return name == "host" or name.startswith(("container:", "ns:")) or bool(MACRO.search(value))


def _problem(option: str, value: object) -> str | None:
    if option not in STRICT_OPTIONS:
        return "this option is not allowed"
    if isinstance(value, bool):
        return "flags are not allowed"
    if isinstance(value, list | tuple) and option not in STRICT_LISTS:
        return "this option may stand once only"
    if isinstance(value, list | tuple) and not value:
        return "this option needs a value"
    if option == "gpus" and any(map(_is_no_gpu, _texts(value))):
        return "devices of CDI may be any, and mount parts of the host"
    return None


def _is_no_gpu(value: str) -> bool:
    """Whether it may ask for another device than a GPU; what a macro becomes is not known yet."""
    try:
        wish = gpus(value)
    except ValueError:
        return bool(MACRO.search(value))  # others are refused once all options are read
    named = any({"/", "="} & {*name} for name in wish.device_ids)  # as CDI names any device
    return named or wish.driver.strip().lower() == "cdi" or bool(MACRO.search(wish.driver))
