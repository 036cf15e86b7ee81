"""What an agent would work with, each part started and looked at on its own."""

import math
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import anyio
from anyio.abc import TaskStatus

from launchkit.abc import (
    Builder,
    Component,
    Environment,
    Fetcher,
    Finding,
    QueueBackend,
    Registry,
    Runner,
    Site,
)
from launchkit.agent.folders import make_writable
from launchkit.agent.kit import backend_of, builder_block, registry_block
from launchkit.agent.plugin_tasks import plugin_tasks
from launchkit.errors import (
    ConfigError,
    LaunchkitError,
    NotFound,
    contained,
    contained_call,
    told,
    unwrapped,
)
from launchkit.images.docker_login import kept_logins
from launchkit.model import AgentCapacity, QueueSpec
from launchkit.plugins import Plugins
from launchkit.resolving.resolve import queue_template
from launchkit.resolving.written_secrets import secrets_warning
from launchkit.settings import AgentSettings, configured_runner, hub_of
from launchkit.wide_files import wide_secrets

LEVELS = ("ok", "warning", "error")
PATIENCE_SECONDS = 60.0
"""How long one component may take to start and to look."""


@dataclass(frozen=True)
class Part:
    """A component to be looked at; *place* is where those that come later find it in the site."""

    subject: str
    make: Callable[[], Awaitable[Component]]
    place: str | None = None
    runs: tuple[str, ...] = ()
    """The resource kinds of a runner."""
    optional: bool = False
    """It is only installed: nothing names it, so that what is wrong with it is a warning."""


async def checkup(
    settings: AgentSettings,
    plugins: Plugins,
    *,
    runner_problems: Mapping[str, str] | None = None,
    patience: float = PATIENCE_SECONDS,
) -> Sequence[Finding]:
    """Start and check all components, for *patience* seconds each, in a directory of their own that
    is removed afterwards; a failure of one does not hide the others.

    *runner_problems* are those that were found when the settings were loaded, with their places.
    """
    found: list[Finding] = []
    async with AsyncExitStack() as stack:
        folder = await _folder(stack, settings, found)
        async with anyio.create_task_group() as tasks:
            site = Site(
                agent=folder.name,
                name=folder.name,
                state_dir=folder,
                cache_dir=folder,
                tasks=tasks,
                builds=await _builds(settings, plugins),
                policy=settings.policy,
            )
            examiner = _Examiner(patience, found)
            unable: dict[str, str] = {}
            runners: dict[str, Runner] = {}
            for part in parts(settings, plugins, runner_problems or {}):
                component = await tasks.start(examiner.examine, part, site)
                if part.place and component is not None:
                    site = replace(site, **{part.place: component})
                if isinstance(component, Runner):
                    runners |= dict.fromkeys(part.runs, component)
                if component is None:
                    unable |= dict.fromkeys(part.runs, f"{part.subject} does not work")
            found += await _queue_findings(settings, plugins, site, unable)
            found += await _config_findings(settings, plugins, site, runners, patience)
            tasks.cancel_scope.cancel()
    return found


def files_of_user(plugins: Plugins) -> Iterator[Finding]:
    """Warnings of the files with logins that programs keep for this user, whatever the settings
    are. Reads them; what goes wrong with one kind of files hides no other.
    """
    yield from _wide(kept_logins, "Docker's settings")
    for cls, names in plugins.kinds(Environment).items():
        yield from _wide(cls.user_files, f"environment {names[0]}")


def _wide(files: Callable[[], Mapping[Path, str]], subject: str) -> Sequence[Finding]:
    try:
        with contained_call():
            return wide_secrets(files(), subject)
    except Exception as exc:  # noqa: BLE001 - a foreign class may raise anything
        return [failure(subject, exc, optional=True)]


async def _folder(stack: AsyncExitStack, settings: AgentSettings, found: list[Finding]) -> Path:
    """A directory beside the agent's own state, or in the system's place if that fails."""
    try:
        await anyio.to_thread.run_sync(make_writable, "cache_dir", settings.cache_dir)
    except ConfigError as exc:
        found.append(failure("cache_dir", exc))
    try:
        await anyio.to_thread.run_sync(make_writable, "state_dir", settings.state_dir)
        beside = anyio.TemporaryDirectory(prefix="checkup-", dir=str(settings.state_dir))
        return Path(await stack.enter_async_context(beside))
    except (ConfigError, OSError) as exc:
        found.append(failure("state_dir", exc))
    elsewhere = anyio.TemporaryDirectory(prefix="checkup-")
    return Path(await stack.enter_async_context(elsewhere))


def parts(
    settings: AgentSettings, plugins: Plugins, runner_problems: Mapping[str, str]
) -> Iterator[Part]:
    """The components that the settings name and those that are installed, in their order."""

    async def backend() -> Component:
        return backend_of(settings, plugins)

    async def builder() -> Component:
        block = await builder_block(settings, plugins)
        return plugins.create(Builder, block.type, block.options())

    def named(
        seam: type[Component], subject: str, kind: str, options: Mapping[str, object]
    ) -> Part:
        async def make() -> Component:
            return plugins.create(seam, kind, options)

        place = subject if subject in {"environment", "registry"} else None
        return Part(f"{subject} {kind}", make, place)

    yield Part("queue backend", backend, "backend")
    if block := settings.environment:
        yield named(Environment, "environment", block.type, block.options())
    if where := registry_block(settings, plugins):
        yield named(Registry, "registry", where.type, where.options())
    yield Part("builder", builder)
    yield from _runners(settings, plugins, runner_problems)
    for names in plugins.kinds(Fetcher).values():
        yield named(Fetcher, "fetcher", names[0], {})


def _runners(
    settings: AgentSettings, plugins: Plugins, problems: Mapping[str, str]
) -> Iterator[Part]:
    """Those that are installed, and those that only the settings name."""
    classes = plugins.kinds(Runner)

    def part(kind: str, names: tuple[str, ...]) -> Part:
        async def make() -> Component:
            return configured_runner(settings, plugins.get(Runner, kind), names, problems)

        optional = not any(name in settings.runners for name in names)
        return Part(f"runner {kind}", make, runs=names, optional=optional)

    for names in classes.values():
        yield part(names[0], names)
    known = {name for names in classes.values() for name in names}
    for kind in settings.runners:
        if kind not in known:
            yield part(kind, (kind,))


async def _builds(settings: AgentSettings, plugins: Plugins) -> bool:
    cls = plugins.find(Builder, (await builder_block(settings, plugins)).type)
    return cls is None or cls.builds


async def _queue_findings(
    settings: AgentSettings, plugins: Plugins, site: Site, unable: Mapping[str, str]
) -> Sequence[Finding]:
    """Whether the queues are there and give their launches to this agent."""
    if site.backend is None:
        return ()
    unable = {**plugins.unusable(Runner), **unable}
    kinds = plugins.classes(Runner).keys() - unable.keys()
    capacity = AgentCapacity(
        agent=site.agent, site=site.name, resources=frozenset(kinds), unable=unable
    )
    return [await queue_finding(site.backend, name, capacity) for name in settings.queues]


async def _config_findings(
    settings: AgentSettings,
    plugins: Plugins,
    site: Site,
    runners: Mapping[str, Runner],
    patience: float,
) -> Sequence[Finding]:
    """What the runners say of the configs of the queues. Only who may read these is told: the token
    of an agent does not.
    """
    found: list[Finding] = []
    async with AsyncExitStack() as stack:
        with suppress(LaunchkitError):  # told already, as are queues that are not there
            hub = hub_of(settings, plugins)
            await hub.start(stack, site)
            for name in settings.queues:
                with suppress(NotFound):
                    queue = (await hub.queues().get(name)).queue.spec
                    if written := secrets_warning(queue):
                        found.append(written)
                    if runner := runners.get(queue.resource):
                        found += await _config_finding(queue, runner, patience)
    return found


async def _config_finding(queue: QueueSpec, runner: Runner, patience: float) -> Sequence[Finding]:
    subject = f"config of queue {queue.name}"
    try:
        with contained(), anyio.fail_after(patience):
            return _checked(await runner.check_queue(queue_template(queue, type(runner))))
    except Exception as exc:  # noqa: BLE001 - a foreign class may raise anything
        return [failure(subject, exc)]


async def queue_finding(backend: QueueBackend, queue: str, capacity: AgentCapacity) -> Finding:
    """Whether a queue is there and gives its launches to this agent."""
    subject = f"queue {queue}"
    try:
        obstacle = await backend.blocked(queue, capacity)
    except LaunchkitError as exc:
        return failure(subject, exc)
    if obstacle is None:
        return _ready(subject)
    broken = any(obstacle.endswith(why) for why in capacity.unable.values())
    return Finding(level="error" if broken else "warning", subject=subject, message=obstacle)


def failure(subject: str, exc: Exception, *, optional: bool = False) -> Finding:
    """What an error says, as a finding."""
    hint = exc.hint if isinstance(exc, LaunchkitError) else None
    level: Literal["warning", "error"] = "warning" if optional else "error"
    return Finding(level=level, subject=subject, message=told(exc), hint=hint)


async def _looked_at(component: Component) -> Sequence[Finding]:
    return _checked(await component.check() or ())


def _checked(given: Iterable[object]) -> Sequence[Finding]:
    """What a component gives as findings. :raises TypeError: if something of it is none."""
    all_given = [*given]
    found = [one for one in all_given if isinstance(one, Finding) and _is_whole(one)]
    if len(found) < len(all_given):
        raise TypeError("its check gives something else than findings")
    return found


def _is_whole(one: Finding) -> bool:
    texts: tuple[object, ...] = (one.subject, one.message, one.hint or "")
    return one.level in LEVELS and all(isinstance(text, str) for text in texts)


def _ready(subject: str) -> Finding:
    return Finding(level="ok", subject=subject, message="ready")


@dataclass(frozen=True)
class _Examiner:
    patience: float
    found: list[Finding]

    async def examine(
        self, part: Part, site: Site, *, task_status: TaskStatus[Component | None]
    ) -> None:
        """Start and check a component, and keep it until cancelled for those that build on it."""
        started = False
        try:
            with contained(), unwrapped(), anyio.CancelScope() as scope:
                scope.deadline = anyio.current_time() + self.patience
                async with anyio.create_task_group() as tasks, AsyncExitStack() as stack:
                    component = await part.make()
                    await self._look_at_files(component, part.subject)
                    await component.start(stack, replace(site, tasks=plugin_tasks(tasks)))
                    self.found.extend(await _looked_at(component) or [_ready(part.subject)])
                    scope.deadline = math.inf
                    started = True
                    task_status.started(component)
                    await anyio.sleep_forever()
            late = TimeoutError(f"it did not answer within {self.patience:g} seconds")
            self.found.append(failure(part.subject, late, optional=part.optional))
        except Exception as exc:  # noqa: BLE001 - a foreign class may raise anything
            self.found.append(failure(part.subject, exc, optional=part.optional))
        if not started:
            task_status.started(None)

    async def _look_at_files(self, component: Component, subject: str) -> None:
        """Tell once of each file, however many components use it."""
        told = {one.message for one in self.found}
        wide = await anyio.to_thread.run_sync(_wide, component.secret_files, subject)
        self.found.extend(one for one in wide if one.message not in told)
