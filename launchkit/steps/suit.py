"""Whether a source and a command suit a runner: asked at launch, and again by the agent."""

from launchkit.abc import Runner
from launchkit.errors import Rejected
from launchkit.model import ImageSource, Source


def check_suits(runner: type[Runner], source: Source, command: tuple[str, ...]) -> None:
    """:raises Rejected: if *runner* cannot run *source*, or lacks a command for it."""
    if runner.needs_image:
        return
    if isinstance(source, ImageSource):
        raise Rejected(
            f"runner {runner.kind} runs code, and cannot run the image {source.image}",
            hint="put image jobs into a queue whose resource runs containers",
        )
    if not command:
        raise Rejected(
            "there is no entry point: nothing says which program to start",
            hint='give one with -E, such as -E "python train.py"',
        )


def needs_build(runner: type[Runner], source: Source, base_image: object) -> bool:
    """Whether an image has to be made of *source* where code can be laid into *base_image*."""
    laid = runner.mounts_code and base_image
    return runner.needs_image and not laid and not isinstance(source, ImageSource)


def not_built(runner: type[Runner], nobody: str) -> Rejected:
    """The refusal of a source that needs a build where nothing builds; *nobody* says so."""
    base = "a base_image for the code to be laid into, or " if runner.mounts_code else ""
    return Rejected(
        f"runner {runner.kind} needs an image of this code, and {nobody}",
        hint=f"name {base}an image that has the code; or give the agent a builder, such as"
        " builder: {type: docker}; or use a queue of local-process, which needs no image",
    )
