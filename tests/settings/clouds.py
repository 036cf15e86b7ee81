"""A made-up plugin: what the configurations of the requirements need that is not there yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

from launchkit.abc import Registry, Run, Runner
from launchkit.hookspecs import hookimpl
from launchkit.model import Secret, Submission
from launchkit.plugins import Plugins


@dataclass(kw_only=True)
class Vault(Registry):
    """One with a secret."""

    kind = "vault"
    uri: str | None = None
    token: Secret | None = None

    def image_ref(self, tag: str) -> str:
        return f"{self.uri}:{tag}"

    async def exists(self, ref: str) -> bool:
        raise AssertionError


@dataclass(kw_only=True)
class AzureMl(Runner):
    kind = "aml"
    aliases = ("azure-ml",)
    project: str
    poll_seconds: float = 10

    async def submit(self, submission: Submission) -> Run:
        raise AssertionError


@hookimpl
def launchkit_registries() -> Sequence[type[Registry]]:
    return [Vault]


@hookimpl
def launchkit_runners() -> Sequence[type[Runner]]:
    return [AzureMl]


def cloud_plugins() -> Plugins:
    """All that is installed, and what is made up."""
    module = ModuleType("clouds")
    hooks = (
        launchkit_registries,
        launchkit_runners,
    )
    vars(module).update({hook.__name__: hook for hook in hooks})
    return Plugins(module)
