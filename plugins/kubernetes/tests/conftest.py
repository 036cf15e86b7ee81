"""What all tests of the plugin share with those of launchkit, and clusters to try things on."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from docker_engine import Engine
from launchkit_kubernetes.runner import KubernetesRunner
from surroundings import _own_home, anyio_backend, docker_engine, postgres, python_image

from launchkit.abc import Site
from launchkit.testing import site_at, started

from .agent_image import agent_image
from .cluster.access import Access
from .cluster.cluster import Cluster, running
from .cluster.programs import skip_without_programs
from .cluster.sharing import shared_cluster
from .workloads import Jobs

__all__ = ["_own_home", "anyio_backend", "docker_engine", "postgres", "python_image"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What runs in a cluster takes long."""
    for item in items:
        if not {"cluster", "own_cluster"}.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.long)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Access]:
    """A whole Kubernetes, shared by all processes of this test run."""
    skip_without_programs(node=True)
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    folder = Path(os.environ.get("LAUNCHKIT_TESTS_CLUSTER") or folder / "cluster")
    with shared_cluster(folder) as access:
        yield access


@pytest.fixture
def namespace(cluster: Access) -> Iterator[str]:
    """The name of an empty namespace in the shared cluster; removed at the end."""
    name = cluster.make_namespace()
    yield name
    cluster.remove_namespace(name)


@pytest.fixture(scope="session")
def busybox(cluster: Access, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of an image with a shell that the shared cluster has."""
    folder = tmp_path_factory.mktemp("image")
    with cluster.engine() as engine, engine.busybox(folder) as name:
        yield name


@pytest.fixture(scope="session")
def node_engine(cluster: Access) -> Iterator[Engine]:
    """The Docker Engine of the shared cluster's node."""
    with cluster.engine() as engine:
        yield engine


@pytest.fixture(scope="session")
def agent_images(
    node_engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """The agent's image in the shared cluster, and its base."""
    with agent_image(node_engine, tmp_path_factory.mktemp("image")) as names:
        yield names


@pytest.fixture
def kubeconfig(cluster: Access, tmp_path: Path) -> Path:
    """A file with which the administrator comes to the shared cluster."""
    return cluster.write_kubeconfig(tmp_path / "kubeconfig")


@pytest.fixture(scope="module")
def _control_plane() -> Iterator[Cluster]:
    skip_without_programs(node=False)
    with running(Cluster(node=False)) as cluster:
        yield cluster


@pytest.fixture
def control_plane(_control_plane: Cluster) -> Iterator[Cluster]:
    """A Kubernetes without a node for one module, which may stop and freeze its programs."""
    yield _control_plane
    _control_plane.restore()


@pytest.fixture(scope="module")
def _own_cluster() -> Iterator[Cluster]:
    skip_without_programs(node=True)
    with running(Cluster(node=True)) as cluster:
        yield cluster


@pytest.fixture
def own_cluster(_own_cluster: Cluster) -> Iterator[Cluster]:
    """A whole Kubernetes for one module, which may stop and freeze its programs."""
    yield _own_cluster
    _own_cluster.restore()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Where runners stand."""
    async with site_at(tmp_path / "site") as site:
        yield site


@pytest.fixture
def place(control_plane: Cluster) -> str:
    """The name of an empty namespace of `control_plane`."""
    return control_plane.make_namespace()


@pytest.fixture
async def runner(
    site: Site, control_plane: Cluster, tmp_path: Path
) -> AsyncIterator[KubernetesRunner]:
    """A runner for `control_plane`, where nothing takes long to go."""
    path = control_plane.write_kubeconfig(tmp_path / "kubeconfig")
    made = KubernetesRunner(config_file=str(path), gone_seconds=5)
    async with started(made, site) as runner:
        yield runner


@pytest.fixture
def jobs(cluster: Access, namespace: str, busybox: str, tmp_path: Path) -> Jobs:
    """Scripts to run in the shared cluster, in a namespace of the test's own."""
    return Jobs(cluster, namespace, busybox, tmp_path)
