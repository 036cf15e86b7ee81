"""What a queue of kind `local-process` may say in its config."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema

from launchkit.codec import below, decode
from launchkit.errors import ConfigError, Rejected
from launchkit.model import Json
from launchkit.model.spec import STRICT, Scalar

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?B?)", re.IGNORECASE)
MOST = 2**62
"""The largest number that is set anywhere."""
_CPU_GRACE_SECONDS = 5
"""From SIGXCPU, which a program may catch, to SIGKILL, which it may not."""


def parse_size(value: object) -> int:
    """Bytes of `4GiB`, `512M` or a plain number. KB, MB, GB and TB count in thousands; K, M, G, T,
    Ki… and KiB… in 1024s.

    :raises ValueError: if it is not such a size.
    """
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST:
        return value
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match:
        raise ValueError("a size is a number of bytes, or a number with a unit such as 4GiB")
    number, unit, kind = match.groups()
    base = 1000 if kind.upper() == "B" else 1024
    size = float(number) * base ** " KMGT".index(unit.upper() or " ")
    if size > MOST:
        raise ValueError(f"it is more than {MOST} bytes, which no system counts")
    return int(size)


Size = Annotated[
    int,
    BeforeValidator(parse_size),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string"}]}),
]
Command = str | tuple[str, ...]
"""A line for the shell, or a program and its arguments."""


@dataclass(frozen=True, kw_only=True)
class LimitArgs:
    """Limits of the machine for each process of a run. `processes` has none: it would count all
    processes of the user.
    """

    __pydantic_config__: ClassVar = STRICT

    memory: Size | None = None
    """Bytes of address space."""
    cpu_time: Annotated[int, Field(ge=1, le=MOST)] | None = None
    """Seconds of processor time."""
    open_files: Annotated[int, Field(ge=8, le=MOST)] | None = None
    """How many files may be open at once."""
    file_size: Size | None = None
    """Bytes of the largest file that a process may write; the run's output counts."""
    core: Size | None = None
    """Bytes of a core dump."""


@dataclass(frozen=True, kw_only=True)
class SetupArgs:
    """A command that prepares a directory, and the files of the code that its result depends on."""

    __pydantic_config__: ClassVar = STRICT

    command: Command
    inputs: tuple[str, ...] | None = None
    """None: those of the usual files with requirements that exist."""


@dataclass(frozen=True, kw_only=True)
class QueueArgs:
    """The config of a queue. `env` has been collected by the agent already."""

    __pydantic_config__: ClassVar = STRICT

    env: Mapping[str, Scalar | None] | tuple[str, ...] = field(default_factory=dict)
    """Variables: a mapping, or a list of NAME=value; NAME alone takes the agent's own value."""
    setup: SetupArgs | Command | None = None
    """A command that prepares the code's directory before the first run of that code."""
    limits: LimitArgs = field(default_factory=LimitArgs)
    """Limits for each process: memory, cpu_time, open_files, file_size, core."""
    nice: Annotated[int, Field(ge=-20, le=19)] = 0
    """From -20, the first to get processor time, to 19, the last."""
    inherit_env: bool | tuple[str, ...] = True
    """Which of the agent's own variables a run gets: all, a few that programs cannot do without,
    or those few and the ones named.
    """

    @property
    def setup_args(self) -> SetupArgs | None:
        """`setup` in its long form."""
        if self.setup is None or isinstance(self.setup, SetupArgs):
            return self.setup
        return SetupArgs(command=self.setup)


def parse_args(args: Json) -> QueueArgs:
    """Read a queue's config.

    :raises Rejected: if it is not one for local processes.
    """
    try:
        parsed = decode(QueueArgs, dict(args), below("resource_args"))
    except ConfigError as exc:
        raise Rejected(
            exc.message, hint="`launchkit queue template local-process` prints the keys"
        ) from exc
    if parsed.setup_args and not parsed.setup_args.command:
        raise Rejected("resource_args.setup: the command is empty")
    return parsed


def rlimits(limits: LimitArgs) -> list[tuple[str, int, int]]:
    """The names, soft and hard values for the kernel.

    :raises Rejected: if this machine does not allow that much.
    """
    wanted = {
        "memory": ("RLIMIT_AS", limits.memory),
        "cpu_time": ("RLIMIT_CPU", limits.cpu_time),
        "open_files": ("RLIMIT_NOFILE", limits.open_files),
        "file_size": ("RLIMIT_FSIZE", limits.file_size),
        "core": ("RLIMIT_CORE", limits.core),
    }
    return [_rlimit(key, name, value) for key, (name, value) in wanted.items() if value is not None]


def _rlimit(key: str, name: str, value: int) -> tuple[str, int, int]:
    import resource

    _, most = resource.getrlimit(getattr(resource, name))
    if most != resource.RLIM_INFINITY and value > most:
        raise Rejected(
            f"limits.{key}: {value} is more than this machine allows its agent, which is {most}",
            hint="lower it in the queue config, or raise the agent's own hard limit",
        )
    hard = value + _CPU_GRACE_SECONDS if name == "RLIMIT_CPU" else value
    return name, value, hard if most == resource.RLIM_INFINITY else min(hard, most)
