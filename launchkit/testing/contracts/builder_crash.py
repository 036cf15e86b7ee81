"""The contract of builders whose agents are killed: the next one builds the same image."""

from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from launchkit.abc import Builder, Site
from launchkit.testing.contracts.builder_case import BuilderCase, variant
from launchkit.testing.contracts.crashes import at_each_moment
from launchkit.testing.contracts.workshop import Workshop
from launchkit.testing.counterparts import Counterpart, Life, Lived, Moment
from launchkit.testing.trees import write_tree


class BuilderCrashContract(BuilderCase):
    """Give the fixtures `builder`, `workshop` and `counterpart`. A build goes on in a process that
    is killed at each kind of request in turn; then a new builder is asked for the same.
    """

    @pytest.fixture
    def counterpart(self) -> Counterpart:
        """What stands behind the builder."""
        raise pytest.UsageError("override the fixture `counterpart`")

    async def test_an_image_whose_builder_is_killed_is_built_by_the_next(
        self, builder: Builder, workshop: Workshop, site: Site, counterpart: Counterpart, code: Path
    ) -> None:
        """It is there with all of its code, and has the name that any builder gives it."""
        names = (f"code{number}" for number in count())

        async def check(moment: Moment | None) -> Lived:
            name = next(names)
            tree = variant(name)
            request = workshop.request(write_tree(tree, code.with_name(name)))
            unstarted = replace(builder)  # type: ignore[type-var] # a dataclass
            life = Life(unstarted, request, site.state_dir.parent, site.agent, "build")
            lived = await counterpart.live(life, moment)
            async with self.another(builder, site) as successor:
                image = await self.build(successor, request)
            await self.whole(workshop, image, tree)
            assert {*lived.told} <= {image.ref}, f"an image has one name, not {lived.told} too"
            assert moment or lived.told, "a build that nobody kills gives an image"
            return lived

        await at_each_moment(check, nth=self.each_nth)
