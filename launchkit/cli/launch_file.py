"""A base launch spec, as W&B writes it: what `launch --config` reads and flags change."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from pydantic import BeforeValidator

from launchkit.client.inputs import read_priority
from launchkit.codec import decode
from launchkit.document import Document, require_mapping
from launchkit.model import Env, Json, LaunchSpec, Overrides, Priority, Recipe, Scalar, Timeouts
from launchkit.model.spec import STRICT
from launchkit.resolving.merge import deep_merge
from launchkit.shell_words import split_line

IGNORED = ("run_id", "queue_entity", "builder", "_resume_count")
"""Keys of W&B's specs that say nothing here: launchkit makes run ids, and agents have builders."""
SOURCES = frozenset({"job", "docker", "image_uri", "uri", "git"})


def _word(value: object) -> object:
    """An argument as a shell would give it: numbers and truth values are texts too."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _words(value: object) -> object:
    return split_line(value) if isinstance(value, str) else value


Word = Annotated[str, BeforeValidator(_word)]
Words = Annotated[tuple[Word, ...], BeforeValidator(_words)]


@dataclass(frozen=True, kw_only=True)
class DockerPart:
    """`docker:` of a launch spec."""

    __pydantic_config__: ClassVar = STRICT

    docker_image: str


@dataclass(frozen=True, kw_only=True)
class GitPart:
    """`git:` of a launch spec: a repository and a branch, tag or commit."""

    __pydantic_config__: ClassVar = STRICT

    repo: str
    version: str | None = None


@dataclass(frozen=True, kw_only=True)
class OverridesPart:
    """`overrides:` of a launch spec."""

    __pydantic_config__: ClassVar = STRICT

    args: tuple[Word, ...] | None = None
    entry_point: Words | None = None
    run_config: Json = field(default_factory=dict)
    files: Mapping[str, Json] = field(default_factory=dict)
    artifacts: Json = field(default_factory=dict)
    env: Mapping[str, Word | None] = field(default_factory=dict)
    dockerfile: str | None = None
    working_dir: str | None = None


@dataclass(frozen=True, kw_only=True)
class LaunchFile:
    """A launch as a person writes it."""

    __pydantic_config__: ClassVar = STRICT

    entity: str | None = None
    project: str | None = None
    name: str | None = None
    author: str | None = None
    queue: str | None = None
    job: str | None = None
    docker: DockerPart | None = None
    image_uri: str | None = None
    uri: str | None = None
    git: GitPart | None = None
    ref: str | None = None
    overrides: OverridesPart = field(default_factory=OverridesPart)
    resource: str | None = None
    resource_args: Json = field(default_factory=dict)
    template_variables: Mapping[str, Scalar] = field(default_factory=dict)
    priority: Annotated[Priority, BeforeValidator(read_priority)] | None = None
    timeouts: Timeouts = field(default_factory=Timeouts)
    python_version: str | None = None
    base_image: str | None = None
    build_context: str | None = None

    @property
    def source(self) -> dict[str, str | None]:
        """The arguments that `Client.recipe` needs."""
        image = self.docker.docker_image if self.docker else self.image_uri
        uri = self.git.repo if self.git else self.uri
        return {"job": self.job, "image": image, "uri": uri}

    @property
    def git_ref(self) -> str | None:
        """The branch, tag or commit."""
        return self.ref or (self.git.version if self.git else None)


def with_flags(document: Document, flags: Json) -> tuple[LaunchFile, list[str]]:
    """The launch spec in *document* with *flags*, which have its shape, laid over it; gives
    warnings too.

    A source given by a flag takes the place of the file's, and so do resource arguments; other
    mappings merge.

    :raises ConfigError: naming unknown keys and wrong values with file and line.
    """
    written = require_mapping(document).items()
    data = {key: value for key, value in written if not (value is None or _is_void(key, value))}
    warnings = [f"{document.locate((key,))}: ignored" for key in IGNORED if key in data]
    drop = {*IGNORED, *({"resource_args"} & flags.keys())}
    if flags.keys() & SOURCES:
        drop |= SOURCES
    kept = {key: value for key, value in data.items() if key not in drop}
    return decode(LaunchFile, deep_merge(kept, flags), document.locate), warnings


def _is_void(key: str, value: object) -> bool:
    """Whether it is a source that is none: W&B writes `git: {}` and `docker: {}`."""
    return key in SOURCES and value == {}


def spec_of(
    file: LaunchFile, recipe: Recipe, job: str | None, variables: Mapping[str, Scalar]
) -> LaunchSpec:
    """The request, with the recipe of its source."""
    wanted = file.overrides
    env: Env = wanted.env
    return LaunchSpec(
        recipe=recipe,
        job=job,
        project=file.project or "default",
        name=file.name,
        author=file.author,
        overrides=Overrides(
            entry_point=wanted.entry_point,
            args=wanted.args,
            env=env,
            config=wanted.run_config,
            files=wanted.files,
            artifacts=wanted.artifacts,
            resource_args=file.resource_args,
            dockerfile=wanted.dockerfile,
            working_dir=wanted.working_dir,
        ),
        template_variables=variables,
        timeouts=file.timeouts,
    )
