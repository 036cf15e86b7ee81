"""The plugin is found, and costs nothing until it is used."""

import subprocess
import sys

import pytest

HEAVY = {"google", "grpc", "requests"}
LIST = """
import sys
from launchkit.cli import cli
cli.main(["plugins"], prog_name="launchkit", standalone_mode=False)
print(*sys.modules, file=sys.stderr)
"""
MADE = """
import sys
from launchkit_gcp.environment import GcpEnvironment
from launchkit_gcp.gcr import GcrRegistry
GcpEnvironment(region="us-central1", project="p")
GcrRegistry(uri="us-docker.pkg.dev/p/r/i")
print(*sys.modules, file=sys.stderr)
"""


def run(program: str) -> tuple[str, set[str]]:
    """What it prints, and the packages that it has loaded at its end."""
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return done.stdout, {name.partition(".")[0] for name in done.stderr.split()}


def test_a_list_of_plugins_names_its_kinds() -> None:
    printed, _ = run(LIST)
    assert "environment gcp" in printed
    assert "registry gcr (gar)" in printed


@pytest.mark.parametrize("program", [LIST, MADE])
def test_nothing_of_google_is_loaded_before_it_is_asked(program: str) -> None:
    _, loaded = run(program)
    assert "launchkit_gcp" in loaded
    assert not HEAVY & loaded
