"""One contract suite per seam: subclass it in a test module and give the fixtures it names."""

from launchkit.testing.contracts.backend import QueueBackendContract
from launchkit.testing.contracts.builder import BuilderContract
from launchkit.testing.contracts.environment import EnvironmentContract
from launchkit.testing.contracts.fetcher import FetcherContract
from launchkit.testing.contracts.hub import HubContract
from launchkit.testing.contracts.registry import RegistryContract
from launchkit.testing.contracts.runner import RunnerContract, Workload

__all__ = [
    "BuilderContract",
    "EnvironmentContract",
    "FetcherContract",
    "HubContract",
    "QueueBackendContract",
    "RegistryContract",
    "RunnerContract",
    "Workload",
]
