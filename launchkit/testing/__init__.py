"""For authors of plugins: a contract suite per seam, fakes with faults, and a clock that tests set.

Subclass a contract in a test module, give the fixtures that its docstring names, and pytest runs
the suite on your component:

    class TestMyRunner(RunnerContract):
        @pytest.fixture
        async def runner(self, site):
            async with started(MyRunner(), site) as runner:
                yield runner

        @pytest.fixture
        def workload(self, runner):
            return MyWorkload(runner)

Needs pytest: install `launchkit[testing]`. Async tests and fixtures run under anyio's own plugin;
set `anyio_mode = "auto"` in pytest's configuration, so that your async fixtures do too.
"""

import pytest

pytest.register_assert_rewrite("launchkit.testing.contracts")

from launchkit.testing.clock import VirtualClock
from launchkit.testing.contracts import (
    BuilderContract,
    BuilderCrashContract,
    BuilderFaultContract,
    Depot,
    EnvironmentContract,
    FetcherContract,
    HubContract,
    QueueBackendContract,
    RegistryContract,
    RegistryFaultContract,
    RunnerContract,
    RunnerCrashContract,
    RunnerFaultContract,
    Shelf,
    Workload,
    Workshop,
)
from launchkit.testing.counterparts import (
    Counterpart,
    Gateway,
    Intervention,
    OperatingSystem,
    Server,
    gateway,
)
from launchkit.testing.fake_backend import FakeBackend
from launchkit.testing.fake_images import FakeBuilder, FakeImages, FakeRegistry
from launchkit.testing.fake_place import FakePlace, at_work
from launchkit.testing.fake_runner import FakeCompute, FakeRunner
from launchkit.testing.faults import Fault, Faults, Hang, LostAnswer, Slow, Throttle, Twice
from launchkit.testing.makers import (
    make_capacity,
    make_launch,
    make_spec,
    make_status,
    make_submission,
    site_at,
    started,
)
from launchkit.testing.own_hub import OwnHub, hub
from launchkit.testing.recording import RecordingOutput
from launchkit.testing.registry_server import RegistryServer, registry_server
from launchkit.testing.relay import Relay, Way, relay
from launchkit.testing.shell_jobs import Program, ShellJobs
from launchkit.testing.waiting import end_of, submitted, until, until_running

__all__ = [
    "BuilderContract",
    "BuilderCrashContract",
    "BuilderFaultContract",
    "Counterpart",
    "Depot",
    "EnvironmentContract",
    "FakeBackend",
    "FakeBuilder",
    "FakeCompute",
    "FakeImages",
    "FakePlace",
    "FakeRegistry",
    "FakeRunner",
    "Fault",
    "Faults",
    "FetcherContract",
    "Gateway",
    "Hang",
    "HubContract",
    "Intervention",
    "LostAnswer",
    "OperatingSystem",
    "OwnHub",
    "Program",
    "QueueBackendContract",
    "RecordingOutput",
    "RegistryContract",
    "RegistryFaultContract",
    "RegistryServer",
    "Relay",
    "RunnerContract",
    "RunnerCrashContract",
    "RunnerFaultContract",
    "Server",
    "Shelf",
    "ShellJobs",
    "Slow",
    "Throttle",
    "Twice",
    "VirtualClock",
    "Way",
    "Workload",
    "Workshop",
    "at_work",
    "end_of",
    "gateway",
    "hub",
    "make_capacity",
    "make_launch",
    "make_spec",
    "make_status",
    "make_submission",
    "registry_server",
    "relay",
    "site_at",
    "started",
    "submitted",
    "until",
    "until_running",
]
