"""A made-up plugin for two clouds: what the configurations of the requirements need installed.

Its rules stand where a plugin has them: in types of fields, `__post_init__`, `hosts` and
`repository_of`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from launchkit.abc import Environment, Registry, Run, Runner
from launchkit.hookspecs import hookimpl
from launchkit.model import Secret, Submission
from launchkit.plugins import Plugins


@dataclass(kw_only=True)
class Cloud(Environment):
    async def upload(self, source: Path, uri: str) -> None:
        raise AssertionError


@dataclass(kw_only=True)
class Azure(Cloud):
    kind = "azure"


@dataclass(kw_only=True)
class CloudRegistry(Registry):
    uri: str | None = None
    token: Secret | None = None

    def image_ref(self, tag: str) -> str:
        return f"{self.uri}:{tag}"

    async def exists(self, ref: str) -> bool:
        raise AssertionError


@dataclass(kw_only=True)
class Acr(CloudRegistry):
    kind = "acr"
    hosts = (r".+\.azurecr\.io",)

    @classmethod
    def repository_of(cls, text: str) -> str:
        if not text.removeprefix("https://").partition("/")[2]:
            raise ValueError("must be REGISTRY.azurecr.io/REPOSITORY")
        return text


@dataclass(kw_only=True)
class Vertex(Runner):
    kind = "vertex"
    aliases = ("gcp-vertex",)
    project: str
    poll_seconds: float = 10

    async def submit(self, submission: Submission) -> Run:
        raise AssertionError


@hookimpl
def launchkit_environments() -> Sequence[type[Environment]]:
    return [Azure]


@hookimpl
def launchkit_registries() -> Sequence[type[Registry]]:
    return [Acr]


@hookimpl
def launchkit_runners() -> Sequence[type[Runner]]:
    return [Vertex]


def cloud_plugins() -> Plugins:
    """All that is installed, and the clouds."""
    module = ModuleType("clouds")
    hooks = (
        launchkit_environments,
        launchkit_registries,
        launchkit_runners,
    )
    vars(module).update({hook.__name__: hook for hook in hooks})
    return Plugins(module)
