"""The shape of a launch-config.yaml: one model for the file, one for each block."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StrictBool,
    StrictInt,
    WithJsonSchema,
    model_validator,
)

from launchkit.model import Json, Limits
from launchkit.settings.images import REPOSITORY, STORE, build_context_store, image_repository
from launchkit.settings.places import default_backend, default_cache_dir, default_state_dir
from launchkit.steps.policy import Policy


def _job_count(value: object) -> object:
    """As W&B reads it: null is 1, digits in quotes are a number, -1 is no limit."""
    if value is None:
        return 1
    if isinstance(value, str) and re.fullmatch(r"-?\d+", value.strip(), re.ASCII):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < -1:
        raise ValueError("must be a whole number, or -1 for no limit")
    return value


def _names(value: object) -> object:
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list of queue names")  # noqa: TRY004 - pydantic wants it
    return tuple(value)


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


JobCount = Annotated[
    int,
    BeforeValidator(_job_count),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": -1},
                {"type": "string", "pattern": r"^\s*(-1|\d+)\s*$"},
                {"type": "null"},
            ]
        }
    ),
]
QueueNames = Annotated[tuple[str, ...], BeforeValidator(_names)]
Seconds = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
Lease = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
Directory = Annotated[Path, AfterValidator(_absolute)]
Repository = Annotated[
    str, AfterValidator(image_repository), WithJsonSchema({"type": "string", "pattern": REPOSITORY})
]
Store = Annotated[
    str, AfterValidator(build_context_store), WithJsonSchema({"type": "string", "pattern": STORE})
]


class Block(BaseModel):
    """What all blocks have: a `type` that says which plugin the other keys are for."""

    model_config = ConfigDict(frozen=True, extra="allow", use_attribute_docstrings=True)

    type: str

    def options(self) -> dict[str, object]:
        """The keys that were given beside `type`, under the names of the plugin's fields."""
        return self.model_dump(exclude={"type"}, exclude_none=True)


class EnvironmentBlock(Block):
    """The cloud that the agent works in."""

    region: str | None = None
    project: str | None = None


class RegistryBlock(Block):
    """The registry that images are pushed to and pulled from."""

    uri: Repository | None = None
    account_id: str | None = None
    region: str | None = None
    repo_name: str | None = None
    repository: str | None = None
    image_name: str | None = Field(default=None, alias="image-name")
    project: str | None = None
    username: str | None = None
    password: SecretStr | None = None
    """Better named by one of the next two."""
    password_env: str | None = None
    """The agent's variable that holds the password."""
    password_file: str | None = None
    """A file that holds the password."""
    insecure: StrictBool | None = None
    """Ask without TLS; on this machine that is tried without saying so."""
    ca: str | None = None
    """A file with certificate authorities to trust beside the machine's."""

    def options(self) -> dict[str, object]:
        """As for all blocks, with the password as it is."""
        given = super().options()
        return given | {"password": self.password.get_secret_value()} if self.password else given


class BuilderBlock(Block):
    """How images are built and where they go."""

    destination: Repository | None = None
    uri: Annotated[Repository | None, Field(json_schema_extra={"deprecated": True})] = None
    """Another word for destination."""
    platform: Literal["linux/amd64", "linux/arm64"] | None = None
    build_context_store: Store | None = Field(default=None, alias="build-context-store")
    build_job_name: str | None = Field(default=None, alias="build-job-name")
    secret_name: str | None = Field(default=None, alias="secret-name")
    secret_key: str | None = Field(default=None, alias="secret-key")
    kaniko_image: str | None = Field(default=None, alias="kaniko-image")
    kaniko_config: dict[str, Any] | None = Field(default=None, alias="kaniko-config")
    build_args: dict[str, str] | None = Field(default=None, alias="build-args")
    """Values of the Dockerfile's ARGs; they can be read in the image's history."""
    buildkit: StrictBool | None = None
    """Whether Docker builds with BuildKit; without it, as the Engine prefers."""

    def options(self) -> dict[str, object]:
        """As for all blocks, without what each `BuildRequest` says; noop has no settings."""
        if self.type == "noop":
            return {}
        return self.model_dump(exclude={"type", "destination", "platform"}, exclude_none=True)


class AgentSettings(BaseModel):
    """The settings of an agent. Times are in seconds, and 0 is no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

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
    environment: EnvironmentBlock | None = None
    registry: RegistryBlock | None = None
    builder: BuilderBlock | None = None
    verbosity: Annotated[StrictInt, Field(ge=0)] = 0
    log_format: Literal["auto", "human", "json"] = "auto"
    """How the agent's log is written; auto is for people on a terminal, else JSON lines."""
    metrics_port: Annotated[StrictInt, Field(ge=0, le=65535)] | None = None
    """Serve /metrics, /livez and /readyz on this port; 0 takes a free one, null serves nothing."""
    metrics_host: str = "127.0.0.1"
    """The address to serve them on."""
    telemetry: StrictBool | None = None
    """OpenTelemetry spans; null makes them if OTEL_EXPORTER_OTLP_ENDPOINT is set."""
    stopped_run_timeout: Annotated[StrictInt, Field(ge=0)] = 60
    """From the polite request to stop until a run is killed."""
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")] | None = None
    """The agent's name; it makes one up if there is none."""
    backend: str | None = None
    """The queue's URL."""
    runners: Mapping[str, Json] = Field(default_factory=dict)
    """Settings of runners, by the resource kind."""
    policy: Policy = Policy()
    start_timeout: Seconds = 1800
    """From submission until a run starts."""
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
        given = vars(policy) if isinstance(policy, Policy) else policy
        if not isinstance(given, Mapping):
            return data
        return {**data, "policy": {**given, "secure_mode": True}}

    def limits(self) -> Limits:
        """The limits of a launch that sets none itself."""
        return Limits(
            start=self.start_timeout, run=self.run_timeout, stop_grace=self.stopped_run_timeout
        )

    def backend_url(self) -> str:
        """The queue's URL, also if none is set."""
        return self.backend or default_backend()
