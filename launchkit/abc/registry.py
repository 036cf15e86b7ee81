"""Registries keep images."""

from abc import abstractmethod
from typing import ClassVar

from launchkit.abc.component import Component
from launchkit.model import Credentials


class Registry(Component):
    """A place for images."""

    pushes: ClassVar[bool] = True
    """False: images stay where they are built, and are not pushed."""

    @abstractmethod
    def image_ref(self, tag: str) -> str:
        """The full reference of an image with that tag."""

    @abstractmethod
    async def exists(self, ref: str) -> bool:
        """Whether an image of that reference can be pulled."""

    async def digest(self, ref: str) -> str | None:
        """The digest of the image of that reference; None if there is none or it is not known."""
        return None

    async def credentials(self) -> Credentials | None:
        """A short-lived login; None where the platform sees to it. Asked for again when it ages."""
        return None
