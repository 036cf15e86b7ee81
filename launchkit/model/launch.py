"""A claim on its way to a runner: every choice made, then an image, then everything filled in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, TypeVar

from launchkit.model.secret import EnvValues, Secret
from launchkit.model.spec import Env, Json, Source

V = TypeVar("V")
OWN_ENV = frozenset(
    f"LAUNCHKIT_{name}"
    for name in (
        *("ITEM_ID", "RUN_ID", "RUN_NAME", "ATTEMPT", "QUEUE", "ENTITY", "PROJECT", "AUTHOR"),
        *("JOB", "RUN_CONFIG", "RUN_TOKEN", "SETUP_DIR", "PROCESS_TAG"),
    )
)
"""The variables in which launchkit says what a run is, whose, and which processes are of it; what
would be empty is left out.
"""
BASIC_ENV = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR", "SHELL"}
    | {"LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES"}
)
"""The agent's variables that a run on its machine gets even when it does not inherit the others:
they are no secrets.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Limits of one launch, in seconds; 0 means none."""

    start: float
    run: float
    stop_grace: float
    place: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """Which attempt of which launch a run is."""

    run_id: str
    item_id: str
    attempt: int

    @property
    def name(self) -> str:
        """The name of its submission."""
        return f"launchkit-{self.run_id}-{self.attempt}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Launch:
    """The request with every choice made; only ${macros} are still open."""

    item_id: str
    run_id: str
    attempt: int
    entity: str
    project: str
    name: str
    author: str | None
    queue: str
    resource: str
    source: Source
    job: str | None
    entry_point: tuple[str, ...]
    args: tuple[str, ...]
    env: Env
    config: Json
    files: Mapping[str, Json]
    artifacts: Json
    resource_args: Json
    builder_args: Json
    """What the queue config said under `builder`."""
    limits: Limits
    working_dir: str | None = None
    base_image: str | None = None
    build_context: str | None = None
    dockerfile: str | None = None
    runtime: str | None = None
    traceparent: str | None = None
    """What the workload's own spans continue."""
    origins: Mapping[str, str] = field(default_factory=dict)
    """Dotted path of a value → who decided it: `queue`, `template`, `job`, `launch` or, for
    a default, `agent`."""
    queue_args: Json = field(default_factory=dict)
    """The resource arguments that the queue config has by itself, with the fields of its template
    variables in them: what no launch has a say in."""
    chosen: Mapping[tuple[str | int, ...], str] = field(default_factory=dict)
    """Each place at which the request would be another one without what its job or its launch
    says → which of them; also of what one has taken away."""

    @property
    def which(self) -> Attempt:
        """Which attempt of which launch it is."""
        return Attempt(run_id=self.run_id, item_id=self.item_id, attempt=self.attempt)


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """A reference that the runner's target can pull."""

    ref: str
    digest: str | None = None
    warnings: tuple[str, ...] = ()
    """What its builder warns of; it is run all the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """What a runner gets. `name` is the same for each try at submitting one attempt."""

    name: str
    launch: Launch
    command: tuple[str, ...]
    env: EnvValues
    resource_args: Json
    image: Image | None = None
    code: Path | None = None
    """A directory with the source, for runners that need no image; the runner takes it over."""
    hidden: tuple[Secret, ...] = ()
    """Secrets of the queue and of the agent's environment that may stand anywhere in it; where
    people read, `…` takes their place.
    """

    def without_own(self, env: Mapping[str, V]) -> dict[str, V]:
        """Variables of a config or a file without those in which launchkit says itself what a run
        is, and whose: no queue and no launch has a say in them.
        """
        return {name: value for name, value in env.items() if not self.is_own(name)}

    def is_own(self, name: str) -> bool:
        """Whether launchkit gives the variable itself, or leaves it out itself."""
        return name in OWN_ENV or (name.startswith("LAUNCHKIT_") and name in self.env)

    def own_names(self) -> list[str]:
        """The variables that launchkit gives this run itself, or leaves out, and nobody else may
        give it.
        """
        return sorted(OWN_ENV.union(filter(self.is_own, self.env)))


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildRequest:
    """What a builder gets."""

    launch: Launch
    code: Path
    destination: str | None
    platform: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """A login to a registry; `expires_at` is Unix time."""

    IDENTITY: ClassVar[str] = "<token>"
    """The user's name, as Docker has it, of a login whose password is an identity token."""

    username: str
    password: Secret
    expires_at: float | None = None

    @property
    def is_identity(self) -> bool:
        """Whether the password is an identity token."""
        return self.username == self.IDENTITY
