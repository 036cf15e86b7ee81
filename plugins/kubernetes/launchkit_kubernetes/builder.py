"""The builder `kaniko`: images from code, made by Jobs of a cluster."""

import re
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from anyio.to_thread import run_sync
from pydantic import AfterValidator, Field, WithJsonSchema

from launchkit.abc import Builder, Environment, Finding, Output, Site
from launchkit.aio.lazy import Lazy
from launchkit.errors import ConfigError
from launchkit.images.name import is_image_name
from launchkit.model import BuildRequest, Image
from launchkit_kubernetes.cluster.access import Access
from launchkit_kubernetes.kaniko.config import config_problems

if TYPE_CHECKING:
    from launchkit_kubernetes.kaniko.builds import KanikoBuilds

BUILDS = "launchkit_kubernetes.kaniko.builds"
RIGHTS = "launchkit_kubernetes.kaniko.rights"
IMAGE = (
    "ghcr.io/osscontainertools/kaniko:v1.28.2-alpine"
    "@sha256:44f90ae1ba366aeedbd0f2d56dbe246354553e47904338dd9321a41a44bea9ff"
)
"""The fork that is maintained; this make of it has a shell, which large contexts need."""
STORE = (
    r"^(s3://[a-z0-9][a-z0-9.-]*|gs://[a-z0-9][a-z0-9._-]*"
    r"|https://[a-z0-9]+\.blob\.core\.(windows\.net|chinacloudapi\.cn|usgovcloudapi\.net)/[a-z0-9-]+"
    r")(/.*)?$"
)
NAME = r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$"


def _store(text: str) -> str:
    if re.search(STORE, text):
        return text
    raise ValueError(
        "must be s3://bucket/prefix, gs://bucket/prefix"
        " or https://account.blob.core.windows.net/container/prefix"
    )


def _name(text: str) -> str:
    if re.search(NAME, text):
        return text
    raise ValueError(
        "must be the beginning of a Job's name: at most 40 small letters, digits and dashes"
    )


def _image(text: str) -> str:
    if is_image_name(text):
        return text
    raise ValueError("must be the name of an image")


def _config(config: dict[str, Any]) -> dict[str, Any]:
    if problems := config_problems(config):
        raise ValueError("; ".join(problems))
    return config


@dataclass(kw_only=True)
class KanikoBuilder(Builder):
    """Builds with Kaniko in a Job of the cluster, unless the image is there already, and pushes to
    the registry. No Docker Engine is needed, and no privileged container.

    The cluster is asked with the first build.
    """

    kind: ClassVar[str] = "kaniko"
    needs_registry: ClassVar[bool] = True

    build_args: dict[str, str] = field(default_factory=dict)
    """Values of the Dockerfile's ARGs; they can be read in the image's history."""
    build_context_store: (
        Annotated[str, AfterValidator(_store), WithJsonSchema({"type": "string", "pattern": STORE})]
        | None
    ) = None
    """Object storage through which the build context goes to the executor; without it, contexts of
    up to 11 MB go as secrets of the cluster."""
    pvc_name: str | None = None
    """A PersistentVolumeClaim of the namespace through which the build context goes."""
    pvc_mount_path: str = "/kaniko"
    """Where the agent has mounted the volume of that claim."""
    build_job_name: Annotated[
        str, AfterValidator(_name), WithJsonSchema({"type": "string", "pattern": NAME})
    ] = "launchkit-build"
    """What the names of the Jobs begin with."""
    kaniko_image: Annotated[str, AfterValidator(_image), WithJsonSchema({"type": "string"})] = IMAGE
    """The image of the executor."""
    kaniko_config: (
        Annotated[dict[str, Any], AfterValidator(_config), WithJsonSchema({"type": "object"})]
        | None
    ) = None
    """A Job that is laid over launchkit's: arguments by their names, variables, resources, …"""
    secret_name: str | None = None
    """A Secret with the credentials of the registry's cloud, as a file."""
    secret_key: str | None = None
    """Its key."""
    auth_secret: str | None = None
    """A Secret of type kubernetes.io/dockerconfigjson with the login to push with, in place of the
    registry's own."""
    service_account: str | None = None
    """The service account of the build's pod; without it, the pod has no token."""
    namespace: str | None = None
    """Where builds go; by default that of the context."""
    config_file: str | None = None
    """A kubeconfig; by default KUBECONFIG, ~/.kube/config, or the service account of the agent's
    pod."""
    context: str | None = None
    """A context of the kubeconfig; by default its current one."""
    api_rate: Annotated[float, Field(ge=0.01, le=100_000)] = 50.0
    """Requests a second to the API server, on average."""
    api_burst: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    """Requests at once."""

    _namespace: str = field(init=False, repr=False, default="default")
    _builds: "Lazy[KanikoBuilds]" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """:raises ValueError: if settings do not go together."""
        if (self.secret_name is None) != (self.secret_key is None):
            raise ValueError("secret-name and secret-key belong together; give both")
        if self.pvc_name and self.build_context_store:
            raise ValueError("pvc-name and build-context-store are two ways; give one of them")

    @classmethod
    def settings_schema(cls) -> dict[str, Any]:
        """With what goes together."""
        pairs = {"secret-name": ["secret-key"], "secret-key": ["secret-name"]}
        return {**super().settings_schema(), "dependentRequired": pairs}

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        """Remember where it stands; the cluster need not answer yet.

        :raises ConfigError: if the environment has no object storage to put contexts into.
        """
        if self.build_context_store:
            self.store_environment(site)
        self._namespace = self.namespace or str(await run_sync(self.access.namespace))
        self._builds = Lazy(BUILDS, lambda builds: builds.open_builds(stack, site, self))

    @property
    def access(self) -> Access:
        """How the cluster is reached."""
        return Access(config_file=self.config_file, context=self.context)

    @property
    def build_namespace(self) -> str:
        """Where builds go."""
        return self._namespace

    def store_environment(self, site: Site) -> Environment:
        """What writes to the store of contexts. :raises ConfigError: if there is none."""
        if site.environment is not None and site.environment.kind != "local":
            return site.environment
        raise ConfigError(
            f"builder kaniko: build-context-store is {self.build_context_store}, and the agent has"
            " no environment that can write there",
            hint="name its cloud under `environment` in launch-config.yaml; or leave the store out:"
            " small contexts need none",
        )

    async def build(self, request: BuildRequest, out: Output) -> Image:
        """The image of the code, from where it is already or newly built.

        :raises BuildError: if it cannot be built or pushed.
        """
        return await (await self._builds.opened()).build(request, out)

    async def works_here(self) -> bool:
        """Whether the agent's pod is in a cluster, and may build there."""
        if not self.access.in_cluster:
            return False
        rights = await run_sync(import_module, RIGHTS)
        namespace = str(await run_sync(self.access.namespace))
        return bool(await rights.may_build(self.access, namespace))

    def secret_files(self) -> Mapping[Path, str]:
        """Those with which the cluster is asked."""
        return self.access.secret_files()

    async def check(self) -> Sequence[Finding]:
        """Whether the cluster answers, and what the agent may do in the namespace."""
        return await (await self._builds.opened()).findings()
