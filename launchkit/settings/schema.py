"""The shape of a launch-config.yaml: one model for the file, one for each block.

Built when they are first used, and described when somebody asks: every command loads this.
"""

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StrictBool,
    StrictInt,
    WithJsonSchema,
    field_serializer,
    model_serializer,
    model_validator,
)

from launchkit import model
from launchkit.abc import Policy
from launchkit.home import expanded
from launchkit.model import Json, Secret
from launchkit.model.names import AGENT_NAME
from launchkit.settings.images import REPOSITORY, image_repository
from launchkit.settings.places import default_backend, default_cache_dir, default_state_dir

if TYPE_CHECKING:
    from launchkit.model import Limits

MOST_AT_ONCE = 1_000_000


def _job_count(value: object) -> object:
    """As W&B reads it: null is 1, digits in quotes are a number, -1 is no limit."""
    if value is None:
        return 1
    if isinstance(value, str) and re.fullmatch(r"-?\d+", value.strip(), re.ASCII):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < -1:
        raise ValueError("must be a whole number, or -1 for no limit")
    if value > MOST_AT_ONCE:
        raise ValueError(f"must be {MOST_AT_ONCE} at most, or -1 for no limit")
    return value


def _names(value: object) -> object:
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list of queue names")  # noqa: TRY004 - pydantic wants it
    return tuple(value)


def _absolute(path: Path) -> Path:
    return expanded(path).absolute()


JobCount = Annotated[
    int,
    BeforeValidator(_job_count),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": -1, "maximum": MOST_AT_ONCE},
                {"type": "string", "pattern": r"^\s*(-1|0*(\d{1,6}|1000000))\s*$"},
                {"type": "null"},
            ]
        }
    ),
]
QueueNames = Annotated[tuple[str, ...], BeforeValidator(_names)]
_PATH = re.compile(r"(?:/|~|\.{1,2}/)|[^:]+\.(?:db|sqlite3?)$")
MOST_SECONDS = 315_360_000
"""Ten years."""
Seconds = Annotated[float, Field(strict=True, ge=0, le=MOST_SECONDS)]
Lease = Annotated[float, Field(strict=True, ge=0.5, le=86_400)]
Directory = Annotated[Path, AfterValidator(_absolute)]
Repository = Annotated[
    str, AfterValidator(image_repository), WithJsonSchema({"type": "string", "pattern": REPOSITORY})
]


class Block(BaseModel):
    """What all blocks have: a `type` that says which plugin the other keys are for."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    type: str

    def options(self) -> dict[str, object]:
        """The plugin's own keys that were given, as they were spelled."""
        return {key: value for key, value in (self.model_extra or {}).items() if value is not None}

    @model_serializer(mode="wrap")
    def _shown(self, dump: SerializerFunctionWrapHandler) -> dict[str, object]:
        """Without secrets."""
        return {**dump(self), **without_secrets(self.model_extra or {})}


class BuilderBlock(Block):
    """How images are built and where they go. The type `auto` is the first installed builder that
    works where the agent is.
    """

    AUTO: ClassVar[str] = "auto"

    destination: Repository | None = None
    """The repository that images are pushed to."""
    uri: Annotated[Repository | None, Field(json_schema_extra={"deprecated": True})] = None
    """Another word for destination."""
    platform: Literal["linux/amd64", "linux/arm64"] | None = None
    """What the images run on; without it, the builder's own."""


class BackendBlock(BaseModel):
    """Where the queue is: its URL, whose scheme says which plugin the other keys are for."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    url: str
    type: str | None = None
    """The kind, where the URL's scheme does not say it."""

    @property
    def kind(self) -> str:
        """The word that selects the plugin."""
        return self.type or self.url.partition(":")[0]

    def options(self) -> dict[str, object]:
        """The plugin's own keys that were given, as they were spelled."""
        return {key: value for key, value in (self.model_extra or {}).items() if value is not None}

    @model_serializer(mode="plain")
    def _shown(self) -> str | dict[str, object]:
        """As it is written, without secrets: a URL alone is a text."""
        own: dict[str, object] = {"type": self.type} if self.type else {}
        own |= without_secrets(self.options())
        return {"url": self.url, **own} if own else self.url


def _url_alone(value: object) -> object:
    """A text alone is the URL; a path is one of the SQLite file there."""
    if not isinstance(value, str):
        return value
    return {"url": f"sqlite:///{value}" if _PATH.match(value) else value}


def without_secrets(settings: Json) -> dict[str, object]:
    """Settings as they may be shown."""
    return {key: "…" if isinstance(value, Secret) else value for key, value in settings.items()}


def _split(value: object) -> object:
    """The keys of the core, and those that runners declare."""
    if isinstance(value, Policy):
        return value
    if not isinstance(value, Mapping):
        raise ValueError("must be a mapping of rules")  # noqa: TRY004 - pydantic wants it
    own = {key: value[key] for key in CORE_POLICY & value.keys()}
    return {**own, "of_runners": {key: value[key] for key in value.keys() - CORE_POLICY}}


CORE_POLICY = frozenset(one.name for one in fields(Policy)) - {"of_runners"}
PolicyBlock = Annotated[Policy, BeforeValidator(_split)]


class AgentSettings(BaseModel):
    """The settings of an agent. Times are in seconds, and 0 is no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    entity: str = "default"
    """The owner of the queues."""
    queues: QueueNames = ()
    """The queues to take launches from."""
    max_jobs: JobCount = 1
    """How many launches may be under way at once; -1 is no limit."""
    max_schedulers: JobCount = 1
    """The same for sweep schedulers, which do not count as jobs."""
    secure_mode: StrictBool = False
    """Stands for `policy.secure_mode`."""
    environment: Block | None = None
    """The cloud that the agent works in."""
    registry: Block | None = None
    """The registry that images are pushed to and pulled from."""
    builder: BuilderBlock | None = None
    verbosity: Annotated[StrictInt, Field(ge=0, le=100)] = 0
    log_format: Literal["auto", "human", "json"] = "auto"
    """How the agent's log is written; auto is for people on a terminal, else JSON lines."""
    metrics_port: Annotated[StrictInt, Field(ge=0, le=65535)] | None = None
    """Serve /metrics, /livez and /readyz on this port; 0 takes a free one, null serves nothing."""
    metrics_host: str = "127.0.0.1"
    """The address to serve them on."""
    telemetry: StrictBool | None = None
    """OpenTelemetry spans; null makes them if OTEL_EXPORTER_OTLP_ENDPOINT is set."""
    stopped_run_timeout: Annotated[StrictInt, Field(ge=0, le=86_400)] = 60
    """From the polite request to stop until a run is killed."""
    name: Annotated[str, Field(pattern=f"^{AGENT_NAME}$")] | None = None
    """The agent's name; it makes one up if there is none."""
    backend: Annotated[BackendBlock | None, BeforeValidator(_url_alone)] = None
    """The queue's URL, or a block of the URL and the settings of its kind."""
    runners: Mapping[str, Json] = Field(default_factory=dict)
    """Settings of runners, by the resource kind."""
    policy: PolicyBlock = Policy()
    """What the agent's owner does not let a queue or a launch do."""
    place_timeout: Seconds = 0
    """From submission until a run has a place, such as a node of a cluster."""
    start_timeout: Seconds = 1800
    """From then on until a run starts."""
    run_timeout: Seconds = 0
    """From its start until a run ends."""
    drain_timeout: Seconds | None = None
    """How long an agent that was told to end waits for its runs; null is for ever."""
    lease_seconds: Lease = 30
    """How long an item stays with an agent that has fallen silent."""
    state_dir: Directory = Field(default_factory=default_state_dir)
    """For what must outlive the agent."""
    cache_dir: Directory = Field(default_factory=default_cache_dir)
    """For what can be made again."""

    @model_validator(mode="before")
    @classmethod
    def _secure(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or data.get("secure_mode") is not True:
            return data
        policy = data.get("policy") or {}
        if isinstance(policy, Policy):
            return {**data, "policy": replace(policy, secure_mode=True)}
        if not isinstance(policy, Mapping):
            return data
        return {**data, "policy": {**policy, "secure_mode": True}}

    @field_serializer("policy")
    def _policy_as_written(self, policy: Policy) -> dict[str, object]:
        own = {name: getattr(policy, name) for name in sorted(CORE_POLICY)}
        return {**own, **policy.of_runners}

    @field_serializer("runners")
    def _runners_without_secrets(self, runners: Mapping[str, Json]) -> dict[str, object]:
        return {kind: without_secrets(settings) for kind, settings in runners.items()}

    def limits(self) -> "Limits":
        """The limits of a launch that sets none itself."""
        return model.Limits(
            place=self.place_timeout,
            start=self.start_timeout,
            run=self.run_timeout,
            stop_grace=self.stopped_run_timeout,
        )

    def backend_url(self) -> str:
        """The queue's URL, also if none is set."""
        return self.queue().url

    def queue(self) -> BackendBlock:
        """Where the queue is, also if nothing is set."""
        return self.backend or BackendBlock(url=default_backend())
