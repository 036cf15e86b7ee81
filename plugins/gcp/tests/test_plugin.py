"""The plugin is found, and costs nothing until it is used."""

import subprocess
import sys

import pytest

HEAVY = {"google", "grpc", "requests"}
NAMESPACES = {"google", "google.cloud"}
"""Empty packages that Python makes when it starts, since a distribution of Google's wants that."""
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
from launchkit_gcp.vertex.runner import VertexRunner
VertexRunner.check_args({"spec": {
    "worker_pool_specs": [{"container_spec": {}}], "staging_bucket": "gs://bucket"}})
VertexRunner.args_schema()
VertexRunner()
GcpEnvironment(region="us-central1", project="p")
GcrRegistry(uri="us-docker.pkg.dev/p/r/i")
print(*sys.modules, file=sys.stderr)
"""


def run(program: str) -> tuple[str, set[str]]:
    """What it prints, and the packages that it has loaded at its end."""
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    loaded = {*done.stderr.split()} - NAMESPACES
    return done.stdout, {name.partition(".")[0] for name in loaded}


def test_a_list_of_plugins_names_its_kinds() -> None:
    printed, _ = run(LIST)
    assert "environment gcp" in printed
    assert "registry gcr (gar)" in printed
    assert "runner gcp-vertex (vertex)" in printed


@pytest.mark.parametrize("program", [LIST, MADE])
def test_nothing_of_google_is_loaded_before_it_is_asked(program: str) -> None:
    _, loaded = run(program)
    assert "launchkit_gcp" in loaded
    assert not HEAVY & loaded
