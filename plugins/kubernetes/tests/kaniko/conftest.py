"""A builder on the real cluster, a registry that its pods reach, and code."""

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from launchkit_kubernetes.builder import KanikoBuilder

from launchkit.abc import Site
from launchkit.builtin.oci.registry import OciRegistry
from launchkit.testing import RecordingOutput, site_at, started

from ..cluster.access import Access
from .executor import executor_image
from .registries import NearRegistry, near_registry

LOGIN = ("alice", "a-password-of-a-test")
CONFIG: dict[str, Any] = {
    "spec": {
        "template": {
            "spec": {
                "hostNetwork": True,
                "containers": [
                    {
                        "imagePullPolicy": "IfNotPresent",
                        "args": ["--insecure=true", "--reproducible=true"],
                        "securityContext": {"seccompProfile": {"type": "Unconfined"}},
                    }
                ],
            }
        }
    }
}
"""Buildah makes namespaces, which Kaniko does not need; the registry is in the node's network."""


@pytest.fixture(scope="session")
def executor(cluster: Access, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The image that stands in for Kaniko's."""
    with (
        cluster.engine() as engine,
        executor_image(engine, tmp_path_factory.mktemp("executor")) as name,
    ):
        yield name


@pytest.fixture(scope="session")
def near(cluster: Access, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NearRegistry]:
    """A registry with a login; tests have repositories of their own there."""
    with near_registry(cluster, tmp_path_factory.mktemp("registry"), LOGIN) as registry:
        yield registry


@pytest.fixture
def word() -> str:
    """A repository of the test's own."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def out() -> RecordingOutput:
    return RecordingOutput()


@pytest.fixture
async def near_site(tmp_path: Path, near: NearRegistry, word: str) -> AsyncIterator[Site]:
    user, password = LOGIN
    settings = {"uri": f"{near.host}/{word}", "username": user, "password": password}
    async with (
        site_at(tmp_path / "site") as site,
        started(OciRegistry(**settings), site) as registry,  # type: ignore[arg-type] # texts
    ):
        yield replace(site, registry=registry)


@pytest.fixture
def site(near_site: Site) -> Site:
    return near_site


@pytest.fixture
def settings(kubeconfig: Path, namespace: str, executor: str) -> dict[str, Any]:
    """Those of a builder for this cluster."""
    return {
        "config_file": str(kubeconfig),
        "namespace": namespace,
        "kaniko_image": executor,
        "kaniko_config": CONFIG,
    }


@pytest.fixture
async def builder(settings: dict[str, Any], site: Site) -> AsyncIterator[KanikoBuilder]:
    async with started(KanikoBuilder(**settings), site) as builder:
        yield builder


Left = Callable[[], list[str]]


@pytest.fixture
def left(cluster: Access, namespace: str) -> Left:
    """What a build has left in the namespace."""

    def left() -> list[str]:
        found = []
        for group, kind in (("apis/batch/v1", "jobs"), ("api/v1", "pods"), ("api/v1", "secrets")):
            items = cluster.request("GET", f"/{group}/namespaces/{namespace}/{kind}")["items"]
            found += [f"{kind}/{one['metadata']['name']}" for one in items]
        return [name for name in found if "default-token" not in name]

    return left
