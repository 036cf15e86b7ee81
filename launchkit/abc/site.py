"""The place where an agent's components stand."""

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from anyio.abc import TaskGroup

from launchkit.abc.backend import QueueBackend
from launchkit.abc.component import Component
from launchkit.abc.environment import Environment
from launchkit.abc.policy import Policy
from launchkit.abc.registry import Registry
from launchkit.errors import ConfigError

E = TypeVar("E", bound=Environment)


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where an agent stands: what its components may use. It grows as they start, in the order
    queue backend, environment, registry, builder, runners, fetchers.
    """

    agent: str
    """The agent's name."""
    name: str
    """Names the machine and `state_dir`: agents of one site find each other's local runs."""
    state_dir: Path
    """For what must outlive the agent."""
    cache_dir: Path
    """For what can be made again."""
    tasks: TaskGroup
    """Lives as long as the component; shared watches run here. What fails in a runner's ends that
    runner, whose runs are left under their leases, and it is started anew; in another component's
    it is told, and begun again.
    """
    backend: QueueBackend | None = None
    environment: Environment | None = None
    registry: Registry | None = None
    builds: bool = True
    """Whether the agent's builder builds, so that images are pushed to its registry."""
    watches: MutableMapping[str, Callable[[], float | None]] = field(default_factory=dict)
    """For the health page: by the name of a watch, what tells how many seconds ago it last heard
    anything; None: nobody is interested now. Who puts one in takes it out again.
    """
    policy: Policy = field(default_factory=Policy)
    """What the agent's owner allows; `policy.part` gives a runner its own keys."""

    def require(self, environment: type[E], by: Component) -> E:
        """The agent's environment, for a component that works in one of this class only.

        :raises ConfigError: if the agent has another one, or none.
        """
        if isinstance(self.environment, environment):
            return self.environment
        here = f", not {self.environment.kind}" if self.environment else ""
        raise ConfigError(
            f"{by.seam} {by.kind} needs environment: {{type: {environment.kind}}}{here}",
            hint="name it under `environment` in launch-config.yaml",
        )
