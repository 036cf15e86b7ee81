"""Whether a source and a command suit a runner: asked at launch, and again by the agent."""

from launchkit.abc import Runner
from launchkit.errors import Rejected
from launchkit.model import ImageSource, Source


def check_suits(runner: Runner, source: Source, command: tuple[str, ...]) -> None:
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
