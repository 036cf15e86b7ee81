"""Registries that go wrong when their server does, most of which `RegistryContract` cannot tell."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from depots import ServedDepot
from registry.conftest import Served

from launchkit.abc import Registry, Site
from launchkit.builtin.oci.registry import OciRegistry
from launchkit.testing import Gateway, RegistryFaultContract, gateway, registry_server, started
from mutants import registry_faults
from mutants.registry_faults import asking
from mutants.table import Mutant


class FaultSuite(RegistryFaultContract):
    """The suite for a class that is nearly the registry `oci`."""

    patience = 10.0
    made: type[OciRegistry] = OciRegistry

    @pytest.fixture(scope="class")
    @classmethod
    def served(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
        with registry_server(tmp_path_factory.mktemp("served")) as server:
            yield Served(host=server.host)

    @pytest.fixture
    async def depot(self, served: Served, tmp_path: Path) -> AsyncIterator[ServedDepot]:
        async with ServedDepot.of(served, tmp_path / "password") as depot:
            yield depot

    @pytest.fixture
    async def gateway(self, served: Served) -> AsyncIterator[Gateway]:
        async with gateway(served.host) as way:
            yield way

    @pytest.fixture
    async def registry(
        self, depot: ServedDepot, gateway: Gateway, site: Site
    ) -> AsyncIterator[Registry]:
        made = self.made(uri=f"{gateway.host}/{depot.served.path}")
        async with started(made, site) as registry:
            yield registry


FAULTS = {
    "a refused question is not repeated": asking(registry_faults.AsksOnce),
    "a refused question is repeated once": asking(registry_faults.AsksTwice),
    "gives up when it is throttled": asking(registry_faults.GivesUpWhenThrottled),
    "ignores Retry-After when throttled": asking(registry_faults.IgnoresRetryAfter),
    "waits too little when throttled": asking(registry_faults.HastyRetry),
    "throttled is no": asking(registry_faults.ThrottledIsNo),
    "throttled is yes": asking(registry_faults.ThrottledIsYes),
    "stays away when it was refused once": asking(registry_faults.StaysAway),
    "waits for ever when an answer is lost": asking(registry_faults.WaitsForEver),
    "a refused question is no": registry_faults.RefusedIsNo,
    "a refused question is no digest": registry_faults.RefusedDigestIsNone,
    "a check of what is refused raises": registry_faults.CheckRaises,
    "a check remembers that it was refused": registry_faults.CheckRemembers,
    "a check that was refused leaves an image": registry_faults.CheckPushes,
}
FAST = {"throttled is no"}
MUTANTS = tuple(
    Mutant(defect, FaultSuite, {"made": made}, defect in FAST) for defect, made in FAULTS.items()
)
VARIANTS = (Mutant("the registry itself", FaultSuite, {}),)
