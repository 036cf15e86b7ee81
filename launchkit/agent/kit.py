"""The started components of one agent, looked up by kind."""

import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

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
from launchkit.agent.fetchers import start_fetchers
from launchkit.agent.runners import Runners
from launchkit.agent.seen_queues import SeenQueues
from launchkit.errors import LaunchkitError, PluginError, Rejected, told
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

logger = logging.getLogger("launchkit.agent")


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
    queues: SeenQueues
    observer: Observer = field(default_factory=Observer)

    async def runner(self, resource: str) -> Runner:
        """The runner of a resource kind, which is made and started when it is first asked for.

        :raises LaunchError: if there is none, or its start says that it cannot run this launch.
        :raises RunnerUnavailable: if it cannot be started now.
        """
        return await self.runners.get(resource)

    def check(self, launch: Launch) -> None:
        """Ask the plugins. :raises Rejected: with all their objections.
        :raises PluginError: if one cannot be asked.
        """
        asked = self.plugins.asked("launchkit_check", launch, _objections)
        if objections := [text for some in asked for text in some]:
            raise Rejected("; ".join(objections))

    def env(self, launch: Launch) -> dict[str, str]:
        """Environment variables that plugins add.

        :raises PluginError: if one cannot be asked: a run without them would be another run.
        """
        found: dict[str, str] = {}
        for some in self.plugins.asked("launchkit_env", launch, _variables):
            found.update(some)
        return found


async def start_backend(
    settings: AgentSettings, plugins: Plugins, stack: AsyncExitStack, site: Site
) -> Site:
    """Make and start the queue's backend; gives the site with it.

    :raises ConfigError: if the settings do not fit it.
    :raises PluginError: if it is not installed, or fails to start.
    :raises Unreachable: if the queue cannot be reached now.
    """
    backend = backend_of(settings, plugins)
    await _start(backend, stack, site)
    return replace(site, backend=backend)


async def start_kit(
    settings: AgentSettings,
    plugins: Plugins,
    stack: AsyncExitStack,
    site: Site,
    runner_problems: Mapping[str, str] | None = None,
) -> Kit:
    """Make and start the components but for the runners, in their order; *stack* releases them. The
    backend is started already, in *site*.

    *runner_problems* are those that were found when the settings were loaded, with their places.

    :raises ConfigError: if the settings do not fit a component.
    :raises PluginError: if a component is not installed, or fails to start.
    """
    backend = site.backend
    assert backend is not None  # noqa: S101 - for the type checker
    block = await builder_block(settings, plugins)
    builder = _made(Builder, block, plugins)
    site = replace(site, builds=builder.builds)
    if settings.environment:
        environment = _made(Environment, settings.environment, plugins)
        await _start(environment, stack, site)
        site = replace(site, environment=environment)
    if where := registry_block(settings, plugins):
        registry = _made(Registry, where, plugins)
        await _start(registry, stack, site)
        site = replace(site, registry=registry)
    await _start(builder, stack, site)
    fetchers = await start_fetchers(plugins, stack, site)
    return Kit(
        plugins=plugins,
        backend=backend,
        runners=Runners(settings, plugins, site, runner_problems),
        fetchers=fetchers,
        builder=builder,
        destination=block.destination,
        platform=block.platform,
        policy=settings.policy,
        site=site,
        queues=SeenQueues(settings.policy, plugins.classes(Runner)),
    )


async def _start(component: Component, stack: AsyncExitStack, site: Site) -> None:
    try:
        await component.start(stack, site)
    except LaunchkitError:
        raise
    except Exception as exc:
        name = f"{component.seam} {component.kind} of {component.offered_by or 'this program'}"
        raise PluginError(f"{name} cannot be started: {told(exc)}") from exc


async def builder_block(settings: AgentSettings, plugins: Plugins) -> BuilderBlock:
    """The builder of the settings; where they name none, or `auto`, the first that works here, or
    else one that builds nothing.

    :raises PluginError: if there is none of these.
    """
    given = settings.builder or BuilderBlock(type=BuilderBlock.AUTO)
    if given.type != BuilderBlock.AUTO:
        return given
    is_placed = bool(settings.registry or given.destination)
    kinds = plugins.kinds(Builder)
    for cls, (kind, *_) in kinds.items():
        may_do = cls.builds and (is_placed or not cls.needs_registry)
        if may_do and await _works_here(kind, plugins):
            return given.model_copy(update={"type": kind})
    for cls, (kind, *_) in kinds.items():
        if not cls.builds:
            return given.model_copy(update={"type": kind})
    raise PluginError("no builder is installed that works here, nor one that builds nothing")


async def _works_here(kind: str, plugins: Plugins) -> bool:
    """Whether a builder that nobody has configured works; one that cannot tell does not."""
    try:
        return await plugins.create(Builder, kind, {}).works_here()
    except Exception as exc:  # noqa: BLE001 - a foreign class may raise anything
        logger.warning("builder %s is left out: %s", kind, told(exc), extra={"action": "builder"})
        return False


def registry_block(settings: AgentSettings, plugins: Plugins) -> Block | None:
    """The registry of the settings; a builder's destination alone names one too.

    :raises PluginError: if no class answers for the destination.
    """
    if settings.registry or settings.builder is None or settings.builder.destination is None:
        return settings.registry
    destination = settings.builder.destination
    cls = registry_for(destination, plugins)
    if cls is None:
        raise PluginError(
            f"builder.destination {destination}: no registry that is installed answers for it"
        )
    return Block.model_validate({"type": plugins.kinds(Registry)[cls][0], "uri": destination})


def backend_of(settings: AgentSettings, plugins: Plugins) -> QueueBackend:
    """The queue backend that the settings name."""
    queue = settings.queue()
    fields = {"url": queue.url, "entity": settings.entity, "lease": settings.lease_seconds}
    return plugins.create(QueueBackend, queue.kind, {**queue.options(), **fields})


def _objections(answer: Any) -> list[str]:
    texts = [answer] if isinstance(answer, str) else [*answer]
    if wrong := [text for text in texts if not isinstance(text, str)]:
        raise TypeError(f"{wrong[0]!r} is no text")
    return texts


def _variables(answer: Any) -> dict[str, str]:
    variables = dict(answer)
    if wrong := [name for name, value in variables.items() if not isinstance(value, str)]:
        raise TypeError(f"the value of {wrong[0]} is no text")
    return variables


def _made(seam: type[C], block: Block, plugins: Plugins) -> C:
    return plugins.create(seam, block.type, block.options())
