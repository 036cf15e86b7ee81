"""What all components have in common, and the place where an agent's components stand."""

from abc import ABC
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from anyio.abc import TaskGroup

if TYPE_CHECKING:
    from launchkit.abc.backend import QueueBackend
    from launchkit.abc.environment import Environment
    from launchkit.abc.registry import Registry


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
    """Lives as long as the agent; shared watches run here."""
    backend: "QueueBackend | None" = None
    environment: "Environment | None" = None
    registry: "Registry | None" = None
    builds: bool = True
    """Whether the agent's builder builds, so that images are pushed to its registry."""
    gpus: tuple[str, ...] | Literal["shared"] | None = None
    """The devices that runs may have, each one at a time; None: those that the runner finds."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One answer of a component to `check`."""

    level: Literal["ok", "warning", "error"]
    subject: str
    message: str
    hint: str | None = None


class Component(ABC):
    """A configured plugin object. Subclasses are dataclasses; their fields are their settings.

    A field that is no setting is declared with `field(init=False)`.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid", "arbitrary_types_allowed": True}

    kind: ClassVar[str]
    """The word in the configuration that selects this class."""
    aliases: ClassVar[tuple[str, ...]] = ()
    """Other words for it."""

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        """Acquire what is needed; what is entered on *stack* is released when the agent ends."""

    async def check(self) -> Sequence[Finding]:
        """Look whether what is needed is reachable and permitted; read-only."""
        return ()
