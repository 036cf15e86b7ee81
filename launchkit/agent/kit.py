"""The started components of one agent, looked up by kind."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import TypeVar

from launchkit.abc import (
    Builder,
    Component,
    Environment,
    Fetcher,
    Policy,
    QueueBackend,
    Registry,
    Runner,
    Site,
)
from launchkit.agent.runners import Runners
from launchkit.errors import Rejected
from launchkit.model import Launch
from launchkit.observe import Observer
from launchkit.plugins import Plugins
from launchkit.settings import (
    AgentSettings,
    Block,
    BuilderBlock,
    registry_for,
)

C = TypeVar("C", bound=Component)


@dataclass(frozen=True, kw_only=True)
class Kit:
    """What an agent works with."""

    plugins: Plugins
    backend: QueueBackend
    runners: Runners
    fetchers: Mapping[str, Fetcher]
    builder: Builder
    destination: str | None
    platform: str | None
    policy: Policy
    site: Site
    observer: Observer = field(default_factory=Observer)

    async def runner(self, resource: str) -> Runner:
        """The runner of a resource kind, which is made and started when it is first asked for.

        :raises LaunchError: if there is none, or its start says that it cannot run this launch.
        :raises RunnerUnavailable: if it cannot be started now.
        """
        return await self.runners.get(resource)

    def check(self, launch: Launch) -> None:
        """Ask the plugins. :raises Rejected: with all their objections."""
        objections = [
            text for some in self.plugins.hook.launchkit_check(launch=launch) for text in some
        ]
        if objections:
            raise Rejected("; ".join(objections))

    def env(self, launch: Launch) -> dict[str, str]:
        """Environment variables that plugins add."""
        found: dict[str, str] = {}
        for some in self.plugins.hook.launchkit_env(launch=launch):
            found.update(some)
        return found


async def start_kit(
    settings: AgentSettings, plugins: Plugins, stack: AsyncExitStack, site: Site
) -> Kit:
    """Make and start the components but for the runners, in their order; *stack* releases them.

    :raises ConfigError: if the settings do not fit a component.
    :raises PluginError: if a component is not installed.
    """
    backend = backend_of(settings, plugins)
    await backend.start(stack, site)
    block = await builder_block(settings, plugins)
    builder = _made(Builder, block, plugins)
    site = replace(site, backend=backend, builds=builder.builds)
    if settings.environment:
        environment = _made(Environment, settings.environment, plugins)
        await environment.start(stack, site)
        site = replace(site, environment=environment)
    if where := registry_block(settings, plugins):
        registry = _made(Registry, where, plugins)
        await registry.start(stack, site)
        site = replace(site, registry=registry)
    await builder.start(stack, site)
    fetchers: dict[str, Fetcher] = {}
    for name in plugins.classes(Fetcher):
        fetchers[name] = plugins.create(Fetcher, name, {})
        await fetchers[name].start(stack, site)
    return Kit(
        plugins=plugins,
        backend=backend,
        runners=Runners(settings, plugins, site),
        fetchers=fetchers,
        builder=builder,
        destination=block.destination,
        platform=block.platform,
        policy=settings.policy,
        site=site,
    )


async def builder_block(settings: AgentSettings, plugins: Plugins) -> BuilderBlock:
    """The builder of the settings; where they name none, the first that works here."""
    if settings.builder:
        return settings.builder
    for kind, cls in plugins.classes(Builder).items():
        if kind == cls.kind and cls.builds and await plugins.create(Builder, kind, {}).works_here():
            return BuilderBlock(type=kind)
    return BuilderBlock(type="noop")


def registry_block(settings: AgentSettings, plugins: Plugins) -> Block | None:
    """The registry of the settings; a builder's destination alone names one too. Where the kind
    that its host tells of is not installed, `oci` stands in: registries speak its API.
    """
    if settings.registry or settings.builder is None or settings.builder.destination is None:
        return settings.registry
    cls = registry_for(settings.builder.destination, plugins)
    where = {"type": cls.kind if cls else "oci", "uri": settings.builder.destination}
    return Block.model_validate(where)


def backend_of(settings: AgentSettings, plugins: Plugins) -> QueueBackend:
    """The queue backend that the settings name."""
    url = settings.backend_url()
    fields = {"url": url, "entity": settings.entity, "lease": settings.lease_seconds}
    return plugins.create(QueueBackend, url.partition("://")[0], fields)


def _made(seam: type[C], block: Block, plugins: Plugins) -> C:
    return plugins.create(seam, block.type, block.options())
