"""The contract of builders whose server does not answer as it should, now and then."""

from itertools import count
from pathlib import Path
from typing import ClassVar

import pytest

from launchkit.abc import Builder, Site
from launchkit.testing.contracts.builder_case import BuilderCase, variant
from launchkit.testing.contracts.faults import FAULTS, go_well
from launchkit.testing.contracts.workshop import Workshop
from launchkit.testing.counterparts import Gateway
from launchkit.testing.trees import write_tree


class BuilderFaultContract(BuilderCase):
    """Give the fixtures `gateway`, `builder`, which goes through it, and `workshop`. In each build
    one request goes wrong.
    """

    polled: ClassVar[tuple[str, ...]] = ()
    """How requests begin that several ask on their own, such as lists behind watches: one of them
    does not wait for what `Retry-After` has told another.
    """

    @pytest.fixture
    def gateway(self) -> Gateway:
        """The way to the server."""
        raise pytest.UsageError("override the fixture `gateway`")

    @pytest.mark.parametrize("fault", FAULTS)
    async def test_a_request_that_goes_wrong_harms_no_build(
        self,
        builder: Builder,
        workshop: Workshop,
        site: Site,
        gateway: Gateway,
        code: Path,
        fault: str,
    ) -> None:
        """The image is there with all of its code, under the name that it has without trouble."""
        names = (f"code{number}" for number in count())

        async def life() -> None:
            name = next(names)
            tree = variant(name)
            request = workshop.request(write_tree(tree, code.with_name(name)))
            async with self.another(builder, site) as one:
                image = await self.build(one, request)
                await self.whole(workshop, image, tree)
                gateway.interventions = []
                again = await self.build(one, request)
            assert again.ref == image.ref, "the name of an image does not depend on trouble"

        await go_well(gateway, life, FAULTS[fault], polled=self.polled, nth=self.each_nth)
