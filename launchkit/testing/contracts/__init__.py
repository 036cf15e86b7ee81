"""One contract suite per seam: subclass it in a test module and give the fixtures it names."""

from launchkit.testing.contracts.backend import QueueBackendContract
from launchkit.testing.contracts.builder import BuilderContract
from launchkit.testing.contracts.builder_crash import BuilderCrashContract
from launchkit.testing.contracts.builder_fault import BuilderFaultContract
from launchkit.testing.contracts.environment import EnvironmentContract
from launchkit.testing.contracts.fetcher import FetcherContract, Shelf
from launchkit.testing.contracts.hub import HubContract
from launchkit.testing.contracts.registry import RegistryContract
from launchkit.testing.contracts.registry_case import Depot
from launchkit.testing.contracts.registry_fault import RegistryFaultContract
from launchkit.testing.contracts.runner import RunnerContract
from launchkit.testing.contracts.runner_crash import RunnerCrashContract
from launchkit.testing.contracts.runner_fault import RunnerFaultContract
from launchkit.testing.contracts.workload import Workload
from launchkit.testing.contracts.workshop import Workshop

__all__ = [
    "BuilderContract",
    "BuilderCrashContract",
    "BuilderFaultContract",
    "Depot",
    "EnvironmentContract",
    "FetcherContract",
    "HubContract",
    "QueueBackendContract",
    "RegistryContract",
    "RegistryFaultContract",
    "RunnerContract",
    "RunnerCrashContract",
    "RunnerFaultContract",
    "Shelf",
    "Workload",
    "Workshop",
]
