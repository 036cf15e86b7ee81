"""The runners of one agent: each made and started when a claim first needs it, and kept."""

import logging
import math
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import anyio

from launchkit.abc import Runner, Site
from launchkit.aio.retry import Backoff, pauses
from launchkit.codec import below
from launchkit.errors import ConfigError, LaunchError, LaunchkitError, Rejected, unwrapped
from launchkit.observe import journal
from launchkit.plugins import Plugins
from launchkit.settings import AgentSettings, runner_settings

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
    """

    def __init__(self, settings: AgentSettings, plugins: Plugins, site: Site) -> None:
        self._agent = site.agent
        self._log = journal(logger, site.agent)
        self._services: dict[str, _Service] = {}
        self._changed = anyio.Event()
        for name, cls in plugins.classes(Runner).items():
            if name == cls.kind:
                service = _Service(cls, site, self)
                self._services |= dict.fromkeys(cls.names(), service)
                service.configure(settings)

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
            service.closing.set()
        with unwrapped():
            return await self.tasks.__aexit__(kind, exc, trace)

    async def get(self, resource: str) -> Runner:
        """The started runner of a kind.

        :raises Rejected: if there is none.
        :raises LaunchError: if its start says that it cannot run this launch.
        :raises RunnerUnavailable: if it cannot be started now.
        """
        if resource not in self._services:
            raise Rejected(f"this agent has no runner for {resource}")
        return await self._services[resource].get()

    def ready(self) -> frozenset[str]:
        """The kinds to claim for: all but those that cannot be started now."""
        return frozenset(name for name, one in self._services.items() if one.problem is None)

    def unable(self) -> Mapping[str, str]:
        """The kinds that cannot be started now, and why."""
        return {name: one.problem for name, one in self._services.items() if one.problem}

    async def changed(self) -> None:
        """Return when a kind can be started again."""
        await self._changed.wait()

    def tell(self, kind: str, problem: str | None) -> None:
        """Say once that a kind cannot be started, or can be again."""
        if problem is None:
            self._log.info("runner %s works", kind, action="runner")
            self._changed.set()
            self._changed = anyio.Event()
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

    def __init__(self, cls: type[Runner], site: Site, owner: Runners) -> None:
        self.problem: str | None = None
        self.closing = anyio.Event()
        self._cls = cls
        self._site = site
        self._owner = owner
        self._settings: Mapping[str, object] = {}
        self._start: _Start | None = None
        self._cause: type[Exception] | None = None

    def configure(self, settings: AgentSettings) -> None:
        """Look whether its settings fit; what is wrong with them holds as long as the agent."""
        kind = self._cls.kind
        try:
            self._settings = runner_settings(settings, self._cls)
            self._make()
        except ConfigError as exc:
            self.problem = f"runner {kind}: {exc.message}"
        except Exception as exc:  # noqa: BLE001 - a foreign class may raise anything when made
            self.problem = f"runner {kind}: {exc!r}"

    async def get(self) -> Runner:
        if self.problem is not None:
            raise self._unavailable(self.problem)
        start = self._start
        if start is None:
            start = self._start = _Start()
            self._owner.tasks.start_soon(self._keep, start, name=f"runner {self._cls.kind}")
        await start.done.wait()
        if start.runner is not None:
            return start.runner
        if isinstance(start.error, LaunchError):
            raise start.error
        raise self._unavailable(str(self.problem)) from start.error

    def _make(self) -> Runner:
        return self._cls.configured(self._settings, below("runners", self._cls.kind))

    def _unavailable(self, problem: str) -> RunnerUnavailable:
        return RunnerUnavailable(f"agent {self._site.agent} cannot start {problem}")

    async def _keep(self, start: _Start) -> None:
        """Start it and keep it until the agent ends; one that cannot be started is tried again."""
        await self._live(start)
        if start.error is None:
            return
        if isinstance(start.error, LaunchError):
            self._start = None  # the next launch may be one that it can run
            return
        self._fail(start.error)
        for delay in pauses(Backoff()):
            with anyio.move_on_after(delay):
                await self.closing.wait()
                return
            self._start = start = _Start()
            await self._live(start)
            if start.error is None:
                return
            self._fail(start.error)

    async def _live(self, start: _Start) -> None:
        """Start it; if that works, come back when the agent ends and it is released."""
        scope = anyio.CancelScope(deadline=anyio.current_time() + START_SECONDS)
        try:
            with unwrapped(), scope:
                async with AsyncExitStack() as stack:
                    runner = self._make()
                    await runner.start(stack, self._site)
                    scope.deadline = math.inf
                    self._works()
                    start.end(runner, None)
                    await self.closing.wait()
        except Exception as exc:  # noqa: BLE001 - a foreign class may raise anything when started
            if start.done.is_set():
                self._owner.tell_end(self._cls.kind, exc)
                return
            start.end(None, exc)
        if not start.done.is_set():
            start.end(None, TimeoutError(f"it did not start within {START_SECONDS:g} seconds"))

    def _works(self) -> None:
        if self.problem is not None:
            self.problem = None
            self._owner.tell(self._cls.kind, None)

    def _fail(self, exc: Exception) -> None:
        if self.problem is not None and type(exc) is self._cause:
            return  # told already
        ours = isinstance(exc, LaunchkitError | OSError)
        self._cause = type(exc)
        self.problem = f"runner {self._cls.kind}: {exc if ours else repr(exc)}"
        self._owner.tell(self._cls.kind, self.problem)
