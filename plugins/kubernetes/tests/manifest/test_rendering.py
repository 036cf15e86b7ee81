"""`--resolved` shows the object as `kubectl apply` takes it, and changes nothing."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from launchkit_kubernetes.manifest.build import BuildContext
from launchkit_kubernetes.runner import KubernetesRunner

from launchkit.cli.output import as_yaml
from launchkit.codec import plain
from launchkit.errors import Rejected
from launchkit.model import Secret
from launchkit.testing import site_at, started

from .examples import (
    JOBSET,
    LEADER,
    MPI,
    RAY,
    SEED_INJECTED,
    SEED_JOB,
    SEED_PYTORCH,
    TRAIN,
    VOLCANO,
    example,
)
from .making import body, submission_of

ALL = [JOBSET, LEADER, MPI, RAY, SEED_INJECTED, SEED_JOB, SEED_PYTORCH, TRAIN, VOLCANO, "{}"]
KEYS = st.sampled_from(
    [
        *("spec", "template", "metadata", "containers", "initContainers", "env", "name", "value"),
        *("labels", "annotations", "image", "command", "args", "volumes", "securityContext"),
        *("imagePullSecrets", "trainer", "mpiReplicaSpecs", "Launcher", "backoffLimit"),
        *("entrypoint", "namespace", "kubernetes", "group", "version", "generateName", "kind"),
    ]
)
KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
contexts: [{name: c, context: {cluster: c, user: u, namespace: ml}}]
users: [{name: u, user: {token: none}}]
current-context: c
"""


@pytest.fixture
async def runner(tmp_path: Path) -> AsyncIterator[KubernetesRunner]:
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    made = KubernetesRunner(config_file=str(tmp_path / "kubeconfig"))
    async with site_at(tmp_path) as site, started(made, site) as runner:
        yield runner


@pytest.mark.parametrize("text", ALL, ids=range(len(ALL)))
async def test_the_object_is_yaml_that_reads_back_as_what_is_sent(
    runner: KubernetesRunner, text: str
) -> None:
    env = {"TOKEN": Secret("hunter2"), "YES": "no", "N": "1"}
    submission = submission_of(example(text), "python", "-c", "a: b", args=("\n", "é"), env=env)
    before = repr(plain(submission))
    shown = as_yaml(plain(dict(runner.render(submission))))
    assert yaml.safe_load(shown) == json.loads(json.dumps(runner.render(submission)))
    assert "hunter2" not in shown
    assert "*id0" not in shown, "aliases are hard to read"
    assert repr(plain(submission)) == before
    assert shown == as_yaml(plain(dict(runner.render(submission))))


async def test_without_a_namespace_in_the_queue_it_is_that_of_the_kubeconfig(
    runner: KubernetesRunner,
) -> None:
    assert runner.render(submission_of({}))["metadata"]["namespace"] == "ml"
    submission = submission_of({"namespace": "a"})
    assert runner.ref_of(submission) == "batch/v1/Job/a/launchkit-r1-1"


async def test_code_is_shown_as_it_will_be_laid_in(
    runner: KubernetesRunner, tmp_path: Path
) -> None:
    shown = runner.render(submission_of({}, "python", "train.py", code=tmp_path))
    assert "launchkit-r1-1-code-0" in json.dumps(shown)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.just("${x}"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=9,
)
"""What JSON has, with keys that mean something."""


def places(value: Any) -> list[tuple[Any, Any]]:
    """Each mapping or list in a value, with a key of its own."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    found: list[tuple[Any, Any]] = []
    for key, inner in pairs:
        found.append((value, key))
        if isinstance(inner, dict | list):
            found += places(inner)
    return found


@settings(max_examples=300)
@given(st.data(), st.sampled_from(ALL), st.booleans())
def test_whatever_stands_in_a_config_it_gives_an_object_or_is_rejected(
    data: st.DataObject, text: str, everything: bool
) -> None:
    config = example(text) or {"spec": {}}
    for _ in range(data.draw(st.integers(1, 3))):
        where, key = data.draw(st.sampled_from(places(config)))
        where[key] = data.draw(JSON)
    context = BuildContext(
        namespace="default", strict=everything, pull_secret=everything, code_pieces=everything
    )
    with suppress(Rejected):
        made = body(config, "python", args=("a",), env={"A": Secret("b")}, context=context)
        assert json.loads(json.dumps(made, allow_nan=False)) == made


@settings(max_examples=300)
@given(JSON)
def test_so_does_a_config_that_is_nothing_at_all(value: Any) -> None:
    config = value if isinstance(value, dict) else {"spec": value}
    with suppress(Rejected):
        body(config, "python")
