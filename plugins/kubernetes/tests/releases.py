"""Releases of the chart, by real Helm."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .chart.charts import FOLDER, VALUES, merged
from .cluster.access import Access


class Release:
    """The release `demo` in one namespace."""

    def __init__(self, helm: Any, namespace: str) -> None:
        self._helm, self.namespace = helm, namespace

    def install(self, *values: Mapping[str, Any]) -> None:
        self._helm.install(FOLDER, "demo", merged(VALUES, *values), namespace=self.namespace)

    def upgrade(self, *values: Mapping[str, Any]) -> None:
        self._helm.upgrade(FOLDER, "demo", merged(VALUES, *values), namespace=self.namespace)

    def uninstall(self) -> None:
        self._helm.uninstall("demo")


@contextmanager
def release(cluster: Access, namespace: str, folder: Path) -> Iterator[Release]:
    import helm_python

    helm_python.disable_logging()
    path = cluster.write_kubeconfig(folder / "kubeconfig", namespace=namespace)
    with helm_python.Config(kubeconfig_path=path, namespace=namespace) as config:
        yield Release(config, namespace)
