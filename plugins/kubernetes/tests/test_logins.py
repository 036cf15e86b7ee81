"""Logins to a registry in the secrets of runs, on a real control plane."""

import json
import time
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
from launchkit_kubernetes.runner import KubernetesRunner
from waiting import until

from launchkit.abc import Run
from launchkit.model import Credentials, Secret
from launchkit.testing import FakeRegistry, make_submission, site_at, started
from launchkit.testing.recording import RecordingOutput

from .cluster.cluster import Cluster

IMAGE = "registry.example.com/fake:1"


@dataclass(kw_only=True)
class AgeingRegistry(FakeRegistry):
    """One whose logins end soon."""

    passwords: Iterator[str] = field(default_factory=lambda: iter(()))

    async def credentials(self) -> Credentials:
        password = next(self.passwords)
        return Credentials(username="u", password=Secret(password), expires_at=time.time() + 60)


def registry(*passwords: str, name: str = "registry.example.com/fake") -> AgeingRegistry:
    return AgeingRegistry(passwords=chain(passwords, repeat(passwords[-1])), name=name)


@pytest.fixture
def kubeconfig(control_plane: Cluster, tmp_path: Path) -> str:
    return str(control_plane.write_kubeconfig(tmp_path / "kubeconfig"))


async def begun(runner: KubernetesRunner, place: str, **metadata: str) -> Run:
    args = {"namespace": place, "metadata": metadata}
    submission = make_submission("true", image=IMAGE, resource_args=args)
    await runner.prepare(submission, RecordingOutput())
    return await runner.submit(submission)


def login(cluster: Cluster, place: str, run: Run) -> str:
    name = f"{run.ref.rpartition('/')[2]}-pull"
    return login_in(cluster.request("GET", f"/api/v1/namespaces/{place}/secrets/{name}"))


def login_in(secret: dict[str, Any]) -> str:
    (of_host,) = json.loads(b64decode(secret["data"][".dockerconfigjson"]))["auths"].values()
    return b64decode(of_host["auth"]).decode()


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("launchkit_kubernetes.runs.logins.LOGIN_SECONDS", 0.2)


async def test_the_login_of_a_run_is_renewed_before_it_ends(
    control_plane: Cluster, place: str, kubeconfig: str, tmp_path: Path
) -> None:
    async with (
        site_at(tmp_path / "a", registry=registry("first", "second")) as site,
        started(KubernetesRunner(config_file=kubeconfig), site) as runner,
    ):
        run = await begun(runner, place)
        await until(lambda: "second" in login(control_plane, place, run))


async def test_the_login_of_a_run_that_was_adopted_is_renewed_at_once_and_again(
    control_plane: Cluster, place: str, kubeconfig: str, tmp_path: Path
) -> None:
    async with (
        site_at(tmp_path / "a", registry=registry("first")) as site,
        started(KubernetesRunner(config_file=kubeconfig), site) as runner,
    ):
        run = await begun(runner, place)
        assert "first" in login(control_plane, place, run)
    async with (
        site_at(tmp_path / "b", registry=registry("second", "third")) as site,
        started(KubernetesRunner(config_file=kubeconfig), site) as runner,
    ):
        await runner.attach(run.ref)
        await until(lambda: "third" in login(control_plane, place, run))


async def test_so_is_one_that_an_agent_of_another_version_has_named(
    control_plane: Cluster, place: str, kubeconfig: str, tmp_path: Path
) -> None:
    """As all Secrets of an object that the queue's config names were."""
    secrets = f"/api/v1/namespaces/{place}/secrets"
    own = f"{secrets}?labelSelector=launchkit/name%3Dtrain"
    async with (
        site_at(tmp_path / "a", registry=registry("first")) as site,
        started(KubernetesRunner(config_file=kubeconfig), site) as runner,
    ):
        run = await begun(runner, place, name="train")
        (made,) = control_plane.request("GET", own)["items"]
        assert made["metadata"]["name"].startswith("launchkit-")
        metadata = {key: made["metadata"][key] for key in ("labels", "ownerReferences")}
        old = {**made, "metadata": {**metadata, "name": "train-pull"}}
        control_plane.request("POST", secrets, old)
        control_plane.request("DELETE", f"{secrets}/{made['metadata']['name']}")
    async with (
        site_at(tmp_path / "b", registry=registry("second", "third")) as site,
        started(KubernetesRunner(config_file=kubeconfig), site) as runner,
    ):
        found = await runner.attach(run.ref)
        await until(
            lambda: "third" in login_in(control_plane.request("GET", f"{secrets}/train-pull"))
        )
        await found.cancel(0)
        await found.aclose()
    assert control_plane.request("GET", own)["items"] == []


async def test_a_login_of_another_registry_is_left_alone(
    control_plane: Cluster, place: str, kubeconfig: str, tmp_path: Path
) -> None:
    async with (
        site_at(tmp_path / "a", registry=registry("first")) as site,
        started(KubernetesRunner(config_file=kubeconfig), site) as runner,
    ):
        run = await begun(runner, place)
    other = registry("other", name="other.example.com/fake")
    async with (
        site_at(tmp_path / "b", registry=other) as site,
        started(KubernetesRunner(config_file=kubeconfig), site) as runner,
    ):
        found = await runner.attach(run.ref)
        await found.status()
        await found.cancel(0)
    async with (
        site_at(tmp_path / "c", registry=registry("second", "third")) as site,
        started(KubernetesRunner(config_file=kubeconfig), site) as runner,
    ):
        await (await runner.attach(run.ref)).aclose()
        secrets = f"/api/v1/namespaces/{place}/secrets"
        names = [one["metadata"]["name"] for one in control_plane.request("GET", secrets)["items"]]
        assert not [name for name in names if name.endswith("-pull")]
