"""What a builder does itself, and what it goes by; all else is `build_once`."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from launchkit.abc import Output
from launchkit.images.base_images import may_be_from_scratch
from launchkit.images.build_plan import BuildPlan, Reading
from launchkit.images.target import Target
from launchkit.model import BuildRequest


@dataclass(frozen=True, kw_only=True)
class PlannedBuild:
    """All that a build goes by."""

    plan: BuildPlan
    tag: str
    """Equal for all that builds to the same image."""
    target: Target
    platform: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)

    def may_be_from_scratch(self) -> bool:
        """Whether a stage starts from nothing, as far as its Dockerfile tells. Reads all of it."""
        return may_be_from_scratch(self.plan.dockerfile, self.build_args)


class ImageMaker(ABC):
    """What is a builder's own. The smallest one, which knows registries alone, implements `make`;
    one with a store of its own, such as an Engine's, also `store` and `present`.
    """

    version: str
    """Part of each tag: to be raised when the same code would give another image."""
    build_args: Mapping[str, str]
    """Values of the Dockerfile's `ARG`s; part of each tag."""

    @abstractmethod
    async def make(self, build: PlannedBuild, out: Output) -> str | None:
        """Build the image, and push it if its target is pushed. Nobody else does so meanwhile, and
        it may be called again after it was cut off.

        Gives the digest of what was pushed; None: the target's registry is asked for it.
        """

    def reading(self) -> Reading:
        """How it reads a Dockerfile."""
        return Reading(build_args=self.build_args)

    async def warnings(self, request: BuildRequest) -> Sequence[str]:
        """What there is to warn of before it is built."""
        return ()

    async def base_digest(self, ref: str, platform: str | None, out: Output) -> str | None:
        """The digest of a base image, which may be got for it; None: the registry is asked."""
        return None

    async def store(self) -> str | None:
        """What the store that images are built in is called by all agents that use it; None: there
        is none, so that each image must be pushed.
        """
        return None

    async def present(self, ref: str) -> bool:
        """Whether an image that is not to be pushed is in the store."""
        return False
