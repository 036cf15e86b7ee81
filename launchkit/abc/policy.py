"""The policy: what the agent's owner does not let a queue or a launch do."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from launchkit.codec import below, decode

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The settings under `policy`: those of the core, and keys that installed runners declare."""

    macros_from_env: tuple[str, ...] = ()
    """Variables of the agent's environment that a queue config may use as `${NAME}`."""
    env_from_agent: tuple[str, ...] = ()
    """Variables of the agent's environment that a job or a launch may take by naming them
    without a value. A queue config may always do so."""
    secure_mode: bool = False
    """Refuse launches that could reach beyond their container, or run something else in it."""
    launch_may_set: tuple[str, ...] = ("args", "config", "limits", "artifacts")
    """What a launch may choose in secure mode: words such as `config`, which stands for all below
    it, `env.LEARNING_RATE`, or `env.APP_*`. All else is its job's and its queue's.
    """
    local_repositories: tuple[str, ...] | None = None
    """Directories of the agent's machine below which a launch may name a git repository, as
    `file:///…`. Without it: all, where all who launch are trusted anyway and nothing is strict.
    """
    of_runners: Mapping[str, object] = field(default_factory=dict)
    """Keys of `Runner.policy_class`es, as the owner wrote them."""

    def part(self, of: type[T]) -> T:
        """The keys that a dataclass of a runner has, as a value of it.

        :raises ConfigError: if one of them has a wrong value.
        """
        names = {one.name for one in fields(of)}  # type: ignore[arg-type] # a dataclass
        own: dict[str, Any] = {k: v for k, v in self.of_runners.items() if k in names}
        return decode(of, own, below("policy"))
