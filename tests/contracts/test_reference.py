"""The reference lists each promise with the test that proves it."""

import re
from pathlib import Path

import pytest

from launchkit.testing import (
    BuilderContract,
    BuilderCrashContract,
    BuilderFaultContract,
    EnvironmentContract,
    FetcherContract,
    HubContract,
    QueueBackendContract,
    RegistryContract,
    RegistryFaultContract,
    RunnerContract,
    RunnerCrashContract,
    RunnerFaultContract,
)
from launchkit.testing.contracts.component import ComponentContract

TROUBLE = (
    RunnerCrashContract,
    RunnerFaultContract,
    BuilderCrashContract,
    BuilderFaultContract,
    RegistryFaultContract,
)
REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "testing.md"


def promises_of(suite: type) -> set[str]:
    return {name for name in dir(suite) if name.startswith("test_")}


@pytest.mark.parametrize(
    ("heading", "proved"),
    [
        ("All components", promises_of(ComponentContract)),
        (
            "Crashes and faults",
            set[str]().union(*map(promises_of, TROUBLE)) - promises_of(ComponentContract),
        ),
        *(
            (heading, promises_of(suite) - promises_of(ComponentContract))
            for heading, suite in {
                "Runner": RunnerContract,
                "Builder": BuilderContract,
                "Registry": RegistryContract,
                "Environment": EnvironmentContract,
                "Fetcher": FetcherContract,
                "Queue backend": QueueBackendContract,
                "Hub": HubContract,
            }.items()
        ),
    ],
)
def test_the_tests_that_prove_the_promises_of_a_seam_are_those_of_its_suite(
    heading: str, proved: set[str]
) -> None:
    section = REFERENCE.read_text().partition(f"\n### {heading}\n")[2]
    section = re.split(r"\n###? ", section, maxsplit=1)[0]
    assert set(re.findall(r"`(test_\w+)`", section)) == proved
