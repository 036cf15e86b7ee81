"""The runners of one agent: each made and started when a claim first needs it, and kept."""

import logging
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from types import TracebackType
from typing import Self

import anyio

from launchkit.abc import Runner, Site
from launchkit.agent.plugin_tasks import plugin_tasks
from launchkit.aio.retry import Backoff, pauses
from launchkit.errors import LaunchError, LaunchkitError, Rejected, contained, told, unwrapped
from launchkit.observe import journal
from launchkit.plain_text import shortened, storable
from launchkit.plugins import Plugins
from launchkit.settings import AgentSettings, configured_runner

logger = logging.getLogger("launchkit.agent")

START_SECONDS = 120.0
"""How long a runner may take to start."""


class RunnerUnavailable(LaunchkitError):
    """The runner cannot be started on this machine now, which is not the launch's fault: the
    launch waits for an agent that can.
    """


class Runners:
    """Looks runners up by kind and alias. Their life ends with the context, each in a task of its
    own, so that what one has entered is left where it was entered.

    *problems* are those that were found when the settings were loaded, by the key of the runner.
    """

    def __init__(
        self,
        settings: AgentSettings,
        plugins: Plugins,
        site: Site,
        problems: Mapping[str, str] | None = None,
    ) -> None:
        self._agent = site.agent
        self._log = journal(logger, site.agent)
        self._services: dict[str, _Service] = {}
        self._waiting: set[anyio.CancelScope] = set()
        self._unusable = plugins.unusable(Runner)
        for cls, names in plugins.kinds(Runner).items():
            make = partial(configured_runner, settings, cls, names, problems or {})
            service = _Service(cls.kind, make, site, self)
            self._services |= dict.fromkeys(names, service)
            service.configure()

    async def __aenter__(self) -> Self:
        self.tasks = anyio.create_task_group()
        await self.tasks.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        for service in self._services.values():
            service.close()
        with unwrapped():
            return await self.tasks.__aexit__(kind, exc, trace)

    async def get(self, resource: str) -> Runner:
        """The started runner of a kind.

        :raises Rejected: if there is none.
        :raises LaunchError: if its start says that it cannot run this launch.
        :raises RunnerUnavailable: if it cannot be started now.
        """
        if resource in self._unusable:
            problem = self._unusable[resource]
            raise RunnerUnavailable(f"agent {self._agent} cannot start {problem}")
        if resource not in self._services:
            raise Rejected(f"this agent has no runner for {resource}")
        return await self._services[resource].get()

    def watch(self, resource: str, failed: Callable[[], None]) -> None:
        """Call *failed* when what a runner does in the background has failed: its runs cannot be
        watched by it any more. It is started anew.
        """
        if service := self._services.get(resource):
            service.watchers.add(failed)

    def unwatch(self, resource: str, failed: Callable[[], None]) -> None:
        """Undo `watch`."""
        if service := self._services.get(resource):
            service.watchers.discard(failed)

    def ready(self) -> frozenset[str]:
        """The kinds to claim for: all but those that cannot be started now."""
        return frozenset(name for name, one in self._services.items() if one.problem is None)

    def unable(self) -> Mapping[str, str]:
        """The kinds that cannot be started now, and why."""
        unable = {name: one.problem for name, one in self._services.items() if one.problem}
        return {**self._unusable, **unable}

    @contextmanager
    def until_changed(self) -> Iterator[None]:
        """Give up what is awaited inside as soon as a kind can be started again."""
        with anyio.CancelScope() as scope:
            self._waiting.add(scope)
            try:
                yield
            finally:
                self._waiting.discard(scope)

    def tell(self, kind: str, problem: str | None) -> None:
        """Say once that a kind cannot be started, or can be again."""
        if problem is None:
            self._log.info("runner %s works", kind, action="runner")
            for scope in self._waiting:
                scope.cancel()
        else:
            message = "%s; nothing is claimed for it until that is mended"
            self._log.warning(message, problem, action="runner")

    def tell_end(self, kind: str, exc: Exception) -> None:
        """Say that what a runner held could not be released as it should."""
        self._log.warning("runner %s did not end well: %r", kind, exc, action="runner")


@dataclass
class _Start:
    """One try to start a runner: it ends with the runner, or with an error."""

    done: anyio.Event = field(default_factory=anyio.Event)
    runner: Runner | None = None
    error: Exception | None = None

    def end(self, runner: Runner | None, error: Exception | None) -> None:
        self.runner, self.error = runner, error
        self.done.set()


class _Service:
    """One runner: not started yet, starting, started, or known to be unable to."""

    def __init__(self, kind: str, make: Callable[[], Runner], site: Site, owner: Runners) -> None:
        self.problem: str | None = None
        self.watchers: set[Callable[[], None]] = set()
        self._closing = anyio.Event()
        self._starting: anyio.CancelScope | None = None
        self._kind = kind
        self._make = make
        self._site = site
        self._owner = owner
        self._start: _Start | None = None

    def configure(self) -> None:
        """Look whether its settings fit; what is wrong with them holds as long as the agent."""
        try:
            self._make()
        except Exception as exc:  # noqa: BLE001 - a foreign class may raise anything when made
            self.problem = self._problem_of(exc)

    def close(self) -> None:
        """Let it end: a runner that works is released, and one that starts is given up."""
        self._closing.set()
        if self._starting is not None:
            self._starting.cancel()

    async def get(self) -> Runner:
        if self.problem is not None:
            raise self._unavailable(self.problem)
        start = self._start
        if start is None:
            start = self._start = _Start()
            self._owner.tasks.start_soon(self._keep, start, name=f"runner {self._kind}")
        await start.done.wait()
        if start.runner is not None:
            return start.runner
        if isinstance(start.error, LaunchError):
            raise start.error
        raise self._unavailable(str(self.problem)) from start.error

    def _problem_of(self, exc: Exception) -> str:
        return shortened(storable(f"runner {self._kind}: {told(exc)}"))

    def _unavailable(self, problem: str) -> RunnerUnavailable:
        return RunnerUnavailable(f"agent {self._site.agent} cannot start {problem}")

    async def _keep(self, start: _Start) -> None:
        """Start it and keep it until the agent ends; one that cannot be started is tried again."""
        await self._live(start)
        if start.error is None or self._closing.is_set():
            return
        if isinstance(start.error, LaunchError):
            self._start = None  # the next launch may be one that it can run
            return
        self._fail(start.error)
        for delay in pauses(Backoff()):
            with anyio.move_on_after(delay):
                await self._closing.wait()
                return
            self._start = start = _Start()
            await self._live(start)
            if start.error is None or self._closing.is_set():
                return
            self._fail(start.error)

    async def _live(self, start: _Start) -> None:
        """Start it; if that works, come back when the agent ends and it is released."""
        scope = anyio.CancelScope(deadline=anyio.current_time() + START_SECONDS)
        self._starting = scope
        try:
            with contained(), unwrapped(), scope:
                async with anyio.create_task_group() as tasks:
                    async with AsyncExitStack() as stack:
                        runner = self._make()
                        await runner.start(stack, replace(self._site, tasks=plugin_tasks(tasks)))
                        scope.deadline = math.inf
                        self._starting = None
                        self._works()
                        start.end(runner, None)
                        await self._closing.wait()
                    tasks.cancel_scope.cancel()
        except Exception as exc:  # noqa: BLE001 - a foreign class may raise anything when started
            if self._closing.is_set() and start.done.is_set():
                self._owner.tell_end(self._kind, exc)
            elif start.done.is_set():
                start.end(None, RuntimeError(f"what it does in the background failed: {told(exc)}"))
                for failed in self.watchers:
                    failed()
            else:
                start.end(None, exc)
        finally:
            self._starting = None
        if not start.done.is_set():
            start.end(None, TimeoutError(f"it did not start within {START_SECONDS:g} seconds"))

    def _works(self) -> None:
        if self.problem is not None:
            self.problem = None
            self._owner.tell(self._kind, None)

    def _fail(self, exc: Exception) -> None:
        before, self.problem = self.problem, self._problem_of(exc)
        if self.problem != before:
            self._owner.tell(self._kind, self.problem)
