"""The builder that builds nothing: for agents that only run images which exist already."""

from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

from launchkit.abc import Builder, Output
from launchkit.errors import BuildError
from launchkit.hookspecs import hookimpl
from launchkit.model import BuildRequest


@dataclass(kw_only=True)
class NoopBuilder(Builder):
    """Refuses to build; agents refuse what it would have to build before they ask it.

    It takes the settings of any other builder, so that switching a builder off is one change.
    """

    __pydantic_config__: ClassVar[Any] = {**Builder.__pydantic_config__, "extra": "ignore"}

    kind: ClassVar[str] = "noop"
    builds: ClassVar[bool] = False

    async def build(self, request: BuildRequest, out: Output) -> NoReturn:
        """Build nothing. :raises BuildError: always."""
        raise BuildError("an image of this code is needed, and the builder noop builds none")


@hookimpl
def launchkit_builders() -> list[type[Builder]]:
    """Offer the builder."""
    return [NoopBuilder]
