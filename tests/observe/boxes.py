"""A plugin with a builder, and a runner that wants what it builds."""

from dataclasses import dataclass

from agent.stage import StageRunner

from launchkit.abc import Builder, Output, Runner
from launchkit.errors import BuildError
from launchkit.hookspecs import hookimpl
from launchkit.model import BuildRequest, Image


@dataclass(kw_only=True)
class BoxRunner(StageRunner):
    kind = "box"
    needs_image = True


@dataclass(kw_only=True)
class BoxBuilder(Builder):
    kind = "docker"

    async def build(self, request: BuildRequest, out: Output) -> Image:
        if request.launch.name == "broken":
            raise BuildError("step 3 failed")
        return Image(ref="box:1")


@hookimpl
def launchkit_runners() -> list[type[Runner]]:
    return [BoxRunner]


@hookimpl
def launchkit_builders() -> list[type[Builder]]:
    return [BoxBuilder]
