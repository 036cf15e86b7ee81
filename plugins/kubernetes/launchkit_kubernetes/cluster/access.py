"""How a cluster is reached: kubeconfig, context, or the pod that the agent runs in."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from launchkit.plain_text import shortened
from launchkit_kubernetes.cluster.errors import ClusterAway
from launchkit_kubernetes.status.shape import items, mapping, text

IN_CLUSTER = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""See https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/."""
MAX_BYTES = 1 << 20
WHAT = "credentials of a cluster"


@dataclass(frozen=True, kw_only=True)
class Access:
    """Which cluster, and as whom."""

    config_file: str | None = None
    """A kubeconfig; None: that of KUBECONFIG or of this user, and without one the pod's own."""
    context: str | None = None
    """One of the kubeconfig's; None: its current one."""

    @property
    def in_cluster(self) -> bool:
        """Whether the pod's service account is used."""
        return not self._named() and not _home_config().exists() and IN_CLUSTER.is_dir()

    @property
    def path(self) -> str:
        """The kubeconfig, or several with colons between."""
        return self._named() or str(_home_config())

    @property
    def exists(self) -> bool:
        """Whether there is one of the files."""
        return any(Path(place).is_file() for place in self.path.split(os.pathsep) if place)

    def namespace(self) -> str:
        """The namespace of the context or of the pod; `default` if none is named. What is wrong
        with the files is told when they are used.
        """
        try:
            if self.in_cluster:
                return (IN_CLUSTER / "namespace").read_text().strip() or "default"
            return self._context_namespace() or "default"
        except (OSError, ValueError, RecursionError, yaml.YAMLError):
            return "default"

    def secret_files(self) -> dict[Path, str]:
        """The kubeconfigs, and the keys and tokens that they name. Reads them; what is wrong with
        them is told when they are used.
        """
        found: dict[Path, str] = {}
        for file in self._places():
            found[file] = WHAT
            with suppress(OSError, ValueError, RecursionError, yaml.YAMLError):
                for one in items(_read(file).get("users") if _is_read(file) else ()):
                    user = mapping(mapping(one).get("user"))
                    named = (text(user.get(key)) for key in ("client-key", "tokenFile"))
                    found |= {file.parent / Path(name): WHAT for name in named if name}
        return found

    def _places(self) -> Iterator[Path]:
        return (Path(place) for place in self.path.split(os.pathsep) if place)

    def _files(self) -> Iterator[Path]:
        """The kubeconfigs that are there, of a size that is read."""
        return filter(_is_read, self._places())

    def _named(self) -> str | None:
        if self.config_file is not None:
            return str(Path(self.config_file).expanduser())
        return os.environ.get("KUBECONFIG") or None

    def _context_namespace(self) -> str | None:
        current, found = self.context, None
        for file in self._files():
            told = _read(file)
            current = current or text(told.get("current-context"))
            for one in map(mapping, items(told.get("contexts"))):
                if found is None and one.get("name") == current:
                    found = text(mapping(one.get("context")).get("namespace"))
        return found


def unusable(access: Access, exc: Exception) -> ClusterAway:
    """The error that the cluster cannot be reached so, whatever went wrong. A kubeconfig may come,
    or be whole, in a moment: no launch is at fault.
    """
    where = "the pod's service account" if access.in_cluster else access.path
    with_context = f", context {access.context}" if access.context else ""
    return ClusterAway(
        f"{where}{with_context}: {shortened(str(exc)) or type(exc).__name__}",
        hint="name a kubeconfig with KUBECONFIG, or with `runners.kubernetes.config_file` in"
        " launch-config.yaml; try `kubectl get jobs` with the same one",
    )


def _is_read(file: Path) -> bool:
    return file.is_file() and file.stat().st_size <= MAX_BYTES


def _read(file: Path) -> Mapping[str, Any]:
    return mapping(yaml.safe_load(file.read_text()))


def _home_config() -> Path:
    return Path.home() / ".kube" / "config"
