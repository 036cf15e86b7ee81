"""The code of a plugin that the core has never heard of."""

CODE = '''
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from launchkit.abc import Builder, Environment, Registry
from launchkit.hookspecs import hookimpl
from launchkit.model import Image, Secret
from launchkit.testing import FakeCompute, FakeRunner


@dataclass(kw_only=True)
class MoonEnvironment(Environment):
    kind = "moon"

    async def upload(self, source, uri):
        raise AssertionError


@dataclass(kw_only=True)
class MoonRegistry(Registry):
    kind = "moon"
    hosts = (r"[a-z]+[.]crater[.]example",)
    uri: str
    token: Secret | None = None

    async def start(self, stack, site):
        site.require(MoonEnvironment, self)

    def image_ref(self, tag):
        return f"{self.uri}:{tag}"

    async def exists(self, ref):
        return False


@dataclass(kw_only=True)
class MoonBuilder(Builder):
    kind = "moon"
    dust_filter: str = "fine"
    """How much dust may get in."""

    async def build(self, request, out):
        return Image(ref=f"{request.destination}:{self.dust_filter}")


@dataclass(frozen=True, kw_only=True)
class MoonPolicy:
    moon_hours: int = 24


@dataclass(kw_only=True)
class MoonRunner(FakeRunner):
    kind = "moon"
    aliases = ("luna",)
    policy_class = MoonPolicy
    base: str
    """Where it lands."""

    @classmethod
    def objections(cls, args, policy):
        hours = policy.part(MoonPolicy).moon_hours
        if len(args.get("output", "")) > hours:
            yield f"resource_args.output: longer than policy.moon_hours ({hours})"


@hookimpl
def launchkit_environments():
    return [MoonEnvironment]


@hookimpl
def launchkit_registries():
    return [MoonRegistry]


@hookimpl
def launchkit_builders():
    return [MoonBuilder]


@hookimpl
def launchkit_runners():
    return [MoonRunner]
'''
