"""The builder that builds nothing: for agents that only run images which exist already."""

from dataclasses import dataclass
from typing import ClassVar, NoReturn

from launchkit.abc import Builder, Output
from launchkit.errors import BuildError
from launchkit.hookspecs import hookimpl
from launchkit.model import BuildRequest


@dataclass(kw_only=True)
class NoopBuilder(Builder):
    """Refuses to build, and says what to do instead."""

    kind: ClassVar[str] = "noop"
    builds: ClassVar[bool] = False

    async def build(self, request: BuildRequest, out: Output) -> NoReturn:
        """Build nothing. :raises BuildError: always."""
        raise BuildError(
            f"queue {request.launch.queue!r} needs an image of this code, and the agent has no"
            " builder (builder.type is noop)",
            hint="launch a job that names an image, or name a base_image that the code is laid"
            " into, or set builder: {type: docker} in the agent's configuration, or use a queue"
            " with resource local-process, which needs no image",
        )


@hookimpl
def launchkit_builders() -> list[type[Builder]]:
    """Offer the builder."""
    return [NoopBuilder]
