"""Builders make images from code."""

from abc import abstractmethod
from typing import ClassVar

from launchkit.abc.component import Component
from launchkit.abc.output import Output
from launchkit.model import BuildRequest, Image


class Builder(Component):
    """Makes an image from a directory with code."""

    seam: ClassVar[str] = "builder"

    builds: ClassVar[bool] = True
    """False: refuses to build, so that code is laid into a base image if there is one."""

    @abstractmethod
    async def build(self, request: BuildRequest, out: Output) -> Image:
        """Build, and push if there is a destination; *out* takes what the build prints.

        :raises BuildError: with the end of the build's log.
        """

    async def works_here(self) -> bool:
        """Whether an agent for which no builder is configured may use this one, as it stands
        without settings: what it needs answers. Asked before `start`.
        """
        return False
