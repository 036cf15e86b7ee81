"""Builders make images from code."""

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from launchkit.abc.component import Component
from launchkit.abc.output import Output

if TYPE_CHECKING:
    from launchkit.model import BuildRequest, Image


class Builder(Component):
    """Makes an image from a directory with code.

    All code is in the image as it is: dot files, links, which files are executable. Equal requests
    give images of one name, on any machine, and others give others. Owners, times, permissions
    other than "executable", where the code lies and who launches it do not count.
    """

    seam: ClassVar[str] = "builder"

    builds: ClassVar[bool] = True
    """False: refuses to build, so that code is laid into a base image if there is one."""

    needs_registry: ClassVar[bool] = False
    """True: it keeps no images itself, so that an agent for which no builder is configured has it
    only if there is a place to push to."""

    @abstractmethod
    async def build(self, request: "BuildRequest", out: Output) -> "Image":
        """Build, and push if there is a destination; *out* takes what the build prints, until this
        returns. The image is there then. The code stays as it was. It may be called for several
        requests at once, and again after it was cancelled or has failed. A request of its own that
        fails once or twice, or is throttled, is asked again.

        :raises BuildError: with the end of the build's log; also while what it builds by, or
            pushes to, is away.
        """

    async def works_here(self) -> bool:
        """Whether an agent for which no builder is configured may use this one, as it stands
        without settings: what it needs answers. Asked before `start`.
        """
        return False
