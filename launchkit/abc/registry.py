"""Registries keep images."""

import re
from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from launchkit.abc.component import Component
from launchkit.abc.guard import raises
from launchkit.errors import LaunchError

if TYPE_CHECKING:
    from launchkit.model import Credentials


class MayNotRead(LaunchError):
    """A registry does not let this login see whether it has an image. Some say so of a repository
    that is not there yet.
    """


class Registry(Component):
    """A place for images.

    A question whose connection breaks once or twice, or that is throttled, is asked again.
    """

    seam: ClassVar[str] = "registry"

    hosts: ClassVar[tuple[str, ...]] = ()
    """Patterns, as JSON Schema knows them too, of what stands before the first slash of a
    repository that is in such a registry. A builder's destination in one of them needs no registry
    beside it: this class gets it as `uri`.
    """
    any_host: ClassVar[bool] = False
    """True: it stands in for a registry that no class answers for by its host."""
    pushes: ClassVar[bool] = True
    """False: images stay where they are built, and are not pushed."""

    @classmethod
    def answers_for(cls, repository: str) -> bool:
        """Whether *repository* is in a registry of this class, as its host tells."""
        host = repository.partition("/")[0]
        return any(re.fullmatch(pattern, host) for pattern in cls.hosts)

    @classmethod
    @raises(ValueError)
    def repository_of(cls, text: str) -> str:
        """The repository that *text*, without a scheme, names in one of its `hosts`, as all others
        write it. Pure.

        :raises ValueError: with what is missing, if it names none.
        """
        return text

    @abstractmethod
    def image_ref(self, tag: str) -> str:
        """The full reference of an image with that tag, without a scheme. Pure; references differ
        in their tags alone.
        """

    @abstractmethod
    async def exists(self, ref: str) -> bool:
        """Whether an image of that reference can be pulled now; nothing is remembered.

        :raises MayNotRead: if the registry does not let one see.
        :raises LaunchError: if it cannot be told, for example while the registry is away.
        """

    async def digest(self, ref: str) -> str | None:
        """The digest of the image of that reference; None if there is none or it is not known.

        :raises LaunchError: if it cannot be told now.
        """
        return None

    async def credentials(self) -> "Credentials | None":
        """A login that is valid now; None where the platform sees to it. Asked for again when it
        ages, and gives a new one then.
        """
        return None
