"""How what is launched reaches a runner: asked at launch, and again by the agent."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypeAlias

from launchkit.abc import Runner
from launchkit.errors import Rejected
from launchkit.model import ImageSource, Recipe, Source
from launchkit.resolving.resolve import Choices

if TYPE_CHECKING:
    from launchkit.model import Launch

BASE_IMAGE = "resource_args.builder.base_image"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What of a launch decides how it is delivered."""

    source: Source
    command: tuple[str, ...]
    """The entry point and its arguments; empty: nothing says what to start."""
    base_image: object = None
    """What the job or the queue names as one."""

    @classmethod
    def of(cls, launch: "Launch") -> Self:
        """What a claimed launch wants."""
        return cls(
            source=launch.source,
            command=(*launch.entry_point, *launch.args),
            base_image=launch.base_image or launch.builder_args.get("base_image"),
        )

    @classmethod
    def asked(cls, recipe: Recipe, choices: Choices) -> Self:
        """What a launch will want that is not in its queue yet."""
        return cls(
            source=recipe.source,
            command=(*choices.entry_point, *choices.args),
            base_image=recipe.base_image or choices.builder_args.get("base_image"),
        )


@dataclass(frozen=True, kw_only=True)
class Traits:
    """What of a runner decides it."""

    kind: str
    needs_image: bool
    mounts_code: bool

    @classmethod
    def of(cls, runner: Runner | type[Runner]) -> Self:
        """The traits of a runner, which need not be started or even made."""
        return cls(kind=runner.kind, needs_image=runner.needs_image, mounts_code=runner.mounts_code)


@dataclass(frozen=True)
class GivenImage:
    """The image that was launched, as it is."""

    image: str


@dataclass(frozen=True)
class CodeAlone:
    """A directory with the code."""


@dataclass(frozen=True)
class BuiltImage:
    """An image that is built from the code."""


@dataclass(frozen=True)
class CodeInBase:
    """A base image, and a directory with the code that the runner lays into it."""

    base_image: str


Delivery: TypeAlias = GivenImage | CodeAlone | BuiltImage | CodeInBase


def delivery_of(wanted: Wanted, runner: Traits, no_builder: str | None = None) -> Delivery:
    """What *runner* gets of what is *wanted*. *no_builder* says that nothing builds images, and
    why; None: something does.

    :raises Rejected: if the runner cannot run it, or an image would be needed that nothing builds.
    """
    if not runner.needs_image:
        return _code_alone(wanted, runner)
    if isinstance(wanted.source, ImageSource):
        return GivenImage(wanted.source.image)
    if no_builder is None:
        return BuiltImage()
    if runner.mounts_code and wanted.base_image:
        return CodeInBase(_named(wanted.base_image))
    base = "a base_image for the code to be laid into, or " if runner.mounts_code else ""
    raise Rejected(
        f"runner {runner.kind} needs an image of this code, and {no_builder}",
        hint=f"name {base}an image that has the code; or give the agent a builder, under"
        " `builder` in launch-config.yaml; or use a queue whose runner needs no image",
    )


def _code_alone(wanted: Wanted, runner: Traits) -> CodeAlone:
    if isinstance(wanted.source, ImageSource):
        raise Rejected(
            f"runner {runner.kind} runs code, and cannot run the image {wanted.source.image}",
            hint="put image jobs into a queue whose resource runs containers",
        )
    if not wanted.command:
        raise Rejected(
            "there is no entry point: nothing says which program to start",
            hint='give one with -E, such as -E "python train.py"',
        )
    return CodeAlone()


def _named(base_image: object) -> str:
    if isinstance(base_image, str):
        return base_image
    raise Rejected(f"{BASE_IMAGE}: must be the name of an image, not {base_image!r}")
