"""How a cluster is reached, and a login that expires."""

import json
import sys
from http import HTTPStatus
from pathlib import Path

import pytest
import yaml
from launchkit_kubernetes.cluster.access import Access
from launchkit_kubernetes.cluster.client import open_client
from launchkit_kubernetes.runner import KubernetesRunner
from waiting import until

from launchkit.errors import ConfigError
from launchkit.testing import site_at, started

from .cluster.cluster import Cluster


def by_program(cluster: Cluster, user: str, place: Path) -> Path:
    """A kubeconfig whose token a program gives, which reads it from a file."""
    told = place / "credential.json"
    told.write_text(credential(cluster.tokens[user]))
    config = yaml.safe_load(cluster.kubeconfig(user))
    run = f"print(open({str(told)!r}).read())"
    program = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": sys.executable}
    config["users"][0]["user"] = {"exec": {**program, "args": ["-c", run]}}
    path = place / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


def credential(token: str) -> str:
    kind = {"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential"}
    return json.dumps({**kind, "status": {"token": token}})


async def test_a_token_that_is_no_longer_taken_is_asked_for_again(
    control_plane: Cluster, tmp_path: Path
) -> None:
    user = control_plane.add_user()
    path = by_program(control_plane, user, tmp_path)
    async with open_client(Access(config_file=str(path)), 100, 100) as client:
        assert (await client.json("GET", "version"))["major"] == "1"
        control_plane.remove_user(user)
        (tmp_path / "credential.json").write_text(credential(control_plane.tokens["admin"]))
        await until(lambda: control_plane.status_for(user, "/version") == HTTPStatus.UNAUTHORIZED)
        assert (await client.json("GET", "api/v1/namespaces"))["kind"] == "NamespaceList"


async def test_a_kubeconfig_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none"
    async with open_client(Access(config_file=str(path)), 100, 100) as client:
        with pytest.raises(ConfigError, match="no such kubeconfig") as caught:
            await client.json("GET", "version")
    assert str(path) in str(caught.value)
    assert "KUBECONFIG" in (caught.value.hint or "")


async def test_a_context_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text("apiVersion: v1\nkind: Config\ncontexts: []\nclusters: []\nusers: []\n")
    access = Access(config_file=str(path), context="nowhere")
    async with open_client(access, 100, 100) as client:
        with pytest.raises(ConfigError, match="nowhere"):
            await client.json("GET", "version")


@pytest.mark.parametrize("text", ["", "[", "- 1", "contexts: 7", "current-context: [x]"])
async def test_a_kubeconfig_that_makes_no_sense_is_an_error_of_the_settings(
    text: str, tmp_path: Path
) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    async with open_client(Access(config_file=str(path)), 100, 100) as client:
        with pytest.raises(ConfigError):
            await client.json("GET", "version")
    async with (
        site_at(tmp_path / "site") as site,
        started(KubernetesRunner(config_file=str(path)), site) as runner,
    ):
        assert runner.default_namespace == "default"
        assert [finding.level for finding in await runner.check()] == ["warning"]


async def test_the_namespace_of_the_context_is_that_of_runs(
    control_plane: Cluster, tmp_path: Path
) -> None:
    path = control_plane.write_kubeconfig(tmp_path / "kubeconfig", namespace="team-a")
    assert Access(config_file=str(path)).namespace() == "team-a"
