"""Builders make images from code."""

from abc import abstractmethod

from launchkit.abc.component import Component
from launchkit.model import BuildRequest, Image


class Builder(Component):
    """Makes an image from a directory with code."""

    @abstractmethod
    async def build(self, request: BuildRequest) -> Image:
        """Build, and push if there is a destination.

        :raises BuildError: with the end of the build's log.
        """
