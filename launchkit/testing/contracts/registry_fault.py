"""The contract of registries that do not answer as they should, now and then."""

from uuid import uuid4

import pytest

from launchkit.abc import Registry, Site
from launchkit.testing.contracts.deadline import within
from launchkit.testing.contracts.faults import FAULTS, go_well
from launchkit.testing.contracts.registry_case import Depot, RegistryCase
from launchkit.testing.counterparts import Gateway


class RegistryFaultContract(RegistryCase):
    """Give the fixtures `gateway`, `registry`, which goes through it, and `depot`, which does not.
    For each question, and each kind of request that it makes, the first of them goes wrong.
    """

    @pytest.fixture
    def gateway(self) -> Gateway:
        """The way to the server."""
        raise pytest.UsageError("override the fixture `gateway`")

    @pytest.mark.parametrize("there", [True, False], ids=["there", "not there"])
    @pytest.mark.parametrize("fault", FAULTS)
    async def test_a_request_that_goes_wrong_spoils_no_answer(
        self,
        registry: Registry,
        depot: Depot,
        site: Site,
        gateway: Gateway,
        fault: str,
        there: bool,
    ) -> None:
        """What is there is not built again, and what is not there is not run."""

        async def is_found() -> None:
            tag = uuid4().hex
            _ = there and await depot.push(tag)
            async with self.another(registry, site) as one:
                found = await self.has(one, tag)
            assert found == there, "whether an image is there does not depend on trouble"

        async def has_its_digest() -> None:
            tag = uuid4().hex
            pushed = await depot.push(tag)
            async with self.another(registry, site) as one:
                told = await self.digest(one, tag)
            assert told == pushed, "the digest of an image does not depend on trouble"

        await go_well(gateway, is_found, FAULTS[fault])
        if there and type(registry).digest is not Registry.digest:
            await go_well(gateway, has_its_digest, FAULTS[fault])

    @pytest.mark.parametrize("fault", FAULTS)
    async def test_a_request_that_goes_wrong_spoils_no_check(
        self, registry: Registry, depot: Depot, site: Site, gateway: Gateway, fault: str
    ) -> None:
        """It does not raise, changes nothing, and says what is so: trouble, or that all is well."""
        if type(registry).check is Registry.check:
            pytest.skip("it checks nothing")

        async def life() -> None:
            before = await depot.tags()
            async with self.another(registry, site) as one:
                with within(self.patience, "a check ends, whatever goes wrong"):
                    await one.check()
                gateway.interventions = []
                found = await one.check()
            bad = [finding.message for finding in found if finding.level == "error"]
            assert not bad, f"trouble that has passed is no finding, but {bad}"
            assert await depot.tags() == before, "a check leaves no image behind"

        await go_well(gateway, life, FAULTS[fault])
