"""What a user asks for: sources, recipes, overrides and the launch itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Discriminator, Strict

STRICT = {"extra": "forbid"}

Json: TypeAlias = Mapping[str, object]
Scalar: TypeAlias = str | int | float
PlainScalar: TypeAlias = str | Annotated[int, Strict()] | Annotated[float, Strict()]
"""A scalar as it was written: true is no number."""
Env: TypeAlias = Mapping[str, str | None]
"""Environment variables; a value of None stands for the agent's own value of that variable."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageSource:
    """A container image that exists already."""

    __pydantic_config__: ClassVar = STRICT

    image: str
    kind: Literal["image"] = "image"


@dataclass(frozen=True, kw_only=True, slots=True)
class GitSource:
    """A commit of a git repository. `ref` is what the user wrote; `commit` is what it meant."""

    __pydantic_config__: ClassVar = STRICT

    remote: str
    ref: str | None = None
    commit: str | None = None
    kind: Literal["git"] = "git"


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveSource:
    """A packed code directory, addressed by the SHA-256 of its uncompressed tar stream."""

    __pydantic_config__: ClassVar = STRICT

    digest: str
    size: int
    """Bytes, compressed."""
    name: str
    """The directory's name, for people."""
    kind: Literal["archive"] = "archive"


Source: TypeAlias = Annotated[ImageSource | GitSource | ArchiveSource, Discriminator("kind")]


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """What a job says about itself: where its code is and how it is started by default."""

    __pydantic_config__: ClassVar = STRICT

    source: Source
    entry_point: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: Env = field(default_factory=dict)
    config: Json = field(default_factory=dict)
    resource_args: Json = field(default_factory=dict)
    base_image: str | None = None
    build_context: str | None = None
    dockerfile: str | None = None
    runtime: str | None = None
    """A Python version such as 3.11."""
    input_schema: Json | None = None
    """A JSON Schema for `config`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Overrides:
    """What one launch changes. None leaves what the job says; an empty tuple empties it."""

    __pydantic_config__: ClassVar = STRICT

    entry_point: tuple[str, ...] | None = None
    args: tuple[str, ...] | None = None
    env: Env = field(default_factory=dict)
    config: Json = field(default_factory=dict)
    files: Mapping[str, Json] = field(default_factory=dict)
    """Relative path of a JSON or YAML file → what is deep-merged into it."""
    artifacts: Json = field(default_factory=dict)
    resource_args: Json = field(default_factory=dict)
    dockerfile: str | None = None
    working_dir: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeouts:
    """Limits in seconds; None leaves the agent's setting, 0 means no limit."""

    __pydantic_config__: ClassVar = STRICT

    place: float | None = None
    """From submission until it has a place, such as a node of a cluster."""
    start: float | None = None
    """From then on until it runs."""
    run: float | None = None
    """From running until it ends."""
    stop_grace: float | None = None
    """From the polite request to stop until it is killed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LaunchSpec:
    """One request as it is stored: a recipe, and what this launch changes about it."""

    __pydantic_config__: ClassVar = STRICT

    recipe: Recipe
    job: str | None = None
    """`name:vN` of the job that the recipe was taken from."""
    project: str = "default"
    name: str | None = None
    author: str | None = None
    overrides: Overrides = field(default_factory=Overrides)
    template_variables: Mapping[str, PlainScalar] = field(default_factory=dict)
    timeouts: Timeouts = field(default_factory=Timeouts)
    traceparent: str | None = None
    """The span of the launch, as W3C Trace Context writes it."""
