"""The agent: claims items from several queues at once, and sends each on its way."""

import logging
import os
import secrets
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import Self

import anyio
from anyio.abc import TaskGroup, TaskStatus

from launchkit import __version__
from launchkit.abc import Site
from launchkit.agent.arrival import arrive, meet_queue
from launchkit.agent.folders import make_folders
from launchkit.agent.heartbeat import Heartbeat
from launchkit.agent.journey import Journey
from launchkit.agent.kept_tasks import KeptTasks
from launchkit.agent.kit import Kit, start_kit
from launchkit.agent.poller import Poller
from launchkit.agent.presence import hold_presence
from launchkit.agent.standing import Standing, status_line
from launchkit.agent.under_way import UnderWay
from launchkit.aio.retry import Backoff, long_enough, pauses
from launchkit.errors import ConfigError, PluginError, QueueError, contained, unwrapped
from launchkit.model import AgentCapacity, AgentOrders, AgentStatus, Claim
from launchkit.model.names import agent_name_of
from launchkit.observe import journal
from launchkit.observe.observability import ObservedAgent, open_observability
from launchkit.observe.watchdog import Watchdog
from launchkit.plugins import Plugins
from launchkit.settings import AgentSettings

logger = logging.getLogger("launchkit.agent")
status_logger = logging.getLogger("launchkit.status")

LEAVE_SECONDS = 10.0


class Agent:
    """Works for the queues in its settings.

    Run it as a task, `await agent.run()`, or beside other work, `async with Agent(settings): …`;
    leaving the context drains it. It installs no signal handlers and keeps no global state.

    *runner_problems* are those of `load_settings`: what is wrong with a runner's settings, told
    with its place where a launch waits for it.

    *on_status* hears the status line when it changes. With *exit_when_idle* the agent ends when
    its queues give nothing more and all that it started has ended.
    """

    def __init__(
        self,
        settings: AgentSettings,
        *,
        plugins: Plugins | None = None,
        runner_problems: Mapping[str, str] | None = None,
        exit_when_idle: bool = False,
        on_status: Callable[[str], None] | None = None,
    ) -> None:
        if not settings.queues:
            raise ConfigError(
                "no queues: an agent must know which queues to poll",
                hint="name them with -q NAME or under `queues:` in launch-config.yaml",
            )
        self.settings = settings
        self.name = settings.name or agent_name_of(socket.gethostname(), secrets.token_hex(3))
        self.address: str | None = None
        """Where metrics and health are served, once it runs."""
        self._log = journal(logger, self.name)
        self._standing = Standing(settings.lease_seconds, self._log)
        self._kept = KeptTasks(self._log, self._show)
        self._plugins = plugins or Plugins()
        self._runner_problems = runner_problems
        self._exit_when_idle = exit_when_idle
        self._on_status = on_status
        self._notes: dict[str, str] = {}
        self._line = ""
        self._started_at = time.time()
        self._stopped = anyio.Event()
        self._polling: anyio.CancelScope | None = None
        self._pollers: dict[str, Poller] = {}
        self._working: anyio.CancelScope | None = None
        self._registered = anyio.Event()
        self._watchdog = Watchdog(settings.queues, settings.lease_seconds)
        self._under_way = UnderWay(settings, self._stopped, changed=self._show, ended=self._ended)

    async def __aenter__(self) -> Self:
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        try:
            await self._tasks.start(self.run)
        except BaseException:
            await self._tasks.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        self.stop()
        with unwrapped():
            return await self._tasks.__aexit__(kind, exc, trace)

    def stop(self) -> None:
        """Claim nothing more; `run` returns when what is under way has ended, or at the drain
        time-out, when runs that survive the agent are left to the next one.
        """
        self._stopped.set()
        if self._polling is not None:
            self._polling.cancel()
        for each in self._pollers.values():
            each.hurry()

    def abort(self) -> None:
        """Stop without waiting: runs that survive the agent are left alone, others end."""
        self.stop()
        if self._working is not None:
            self._working.cancel()

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Work until stopped, then wait for what is under way.

        :raises ConfigError: if the settings do not fit a component.
        :raises PluginError: if a component is not installed, or something has cancelled its tasks.
        :raises NotFound: if a queue does not exist.
        :raises Conflict: if an agent of this name runs on this machine.
        :raises AgentReplaced: if one of this name was started later elsewhere.
        """
        with unwrapped():
            async with anyio.create_task_group() as own:
                task_status.started(await own.start(self._run_until_stopped))

    async def _run_until_stopped(self, *, task_status: TaskStatus[None]) -> None:
        """In a task that anyio alone cancels: of one that others cancel, anyio may forget that they
        have, so that it would seem to be a plugin's doing.
        """
        with contained(), unwrapped():
            await self._run(task_status)
        if not self._stopping:
            raise PluginError(
                "the agent has ended although nobody wanted it to: its tasks were cancelled",
                hint="leave out what may have done so: LAUNCHKIT_BLOCK_PLUGINS=NAME,NAME",
            )

    async def _run(self, task_status: TaskStatus[None]) -> None:
        settings, state_dir = self.settings, self.settings.state_dir
        await anyio.to_thread.run_sync(make_folders, settings)
        # The task group is not on the stack, which could link its exceptions into a ring.
        async with (
            hold_presence(state_dir / "agents", self.name),
            anyio.create_task_group() as background,
            AsyncExitStack() as stack,
        ):
            stack.callback(background.cancel_scope.cancel)
            site = Site(
                agent=self.name,
                name=f"{socket.gethostname()}:{state_dir}",
                state_dir=state_dir,
                cache_dir=settings.cache_dir,
                tasks=self._kept.within(background),
                policy=settings.policy,
                watches=self._watchdog.watches,
            )
            backend = await meet_queue(settings, self._plugins, stack, site, self._stopped)
            if backend is None:
                task_status.started()
                return
            kit = await start_kit(settings, self._plugins, stack, backend, self._runner_problems)
            kit = await self._watched(kit, site.tasks, stack)
            async with kit.runners:  # they end before the kit
                self._notes |= await arrive(kit, settings.queues, self._capacity(kit))
                try:
                    async with anyio.create_task_group() as beats:  # none comes after the leave
                        beats.start_soon(self._register, kit)
                        beats.start_soon(self._beat, kit)
                        await self._work(kit, task_status)
                        beats.cancel_scope.cancel()
                finally:
                    with anyio.move_on_after(LEAVE_SECONDS, shield=True):
                        await self._depart(kit)

    @property
    def _stopping(self) -> bool:
        return self._stopped.is_set()

    @property
    def status(self) -> str:
        """What the agent does or waits for, in words."""
        held, words = len(self._under_way), [*self._standing.words, *self._kept.words]
        if self._stopping:
            return "; ".join((f"draining: {held} under way", *words))
        return status_line(
            held,
            self.settings.max_jobs,
            self.settings.queues,
            [note for note in self._notes.values() if note],
            words,
        )

    async def _watched(self, kit: Kit, tasks: TaskGroup, stack: AsyncExitStack) -> Kit:
        """The kit, such that what is done with it is seen."""
        observed = ObservedAgent(
            name=self.name,
            settings=self.settings,
            plugins=self._plugins,
            held=lambda: len(self._under_way),
            draining=lambda: self._stopping,
            watchdog=self._watchdog,
        )
        observability = await stack.enter_async_context(open_observability(observed, tasks))
        self.address = observability.address
        if self.address:
            message = "%s serves /metrics, /livez and /readyz"
            journal(status_logger, self.name).info(message, self.address, action="listen")
        backend = observability.watched(kit.backend)
        return replace(kit, backend=backend, observer=observability.observer)

    async def _work(self, kit: Kit, task_status: TaskStatus[None]) -> None:
        self._pollers = {queue: self._poller(queue, kit) for queue in self.settings.queues}
        async with anyio.create_task_group() as journeys:
            self._working = journeys.cancel_scope
            with anyio.CancelScope() as self._polling:
                task_status.started()
                self._show()
                if self._stopping:
                    self._polling.cancel()
                async with anyio.create_task_group() as polling:
                    for each in self._pollers.values():
                        polling.start_soon(each.poll, self._registered, journeys)
            self._show()
            if self.settings.drain_timeout is not None:
                journeys.cancel_scope.deadline = anyio.current_time() + self.settings.drain_timeout

    def _poller(self, queue: str, kit: Kit) -> Poller:
        return Poller(
            queue=queue,
            kit=kit,
            under_way=self._under_way,
            watchdog=self._watchdog,
            capacity=lambda: self._capacity(kit),
            note=self._note,
            rests=self._end_if_idle,
        )

    def _capacity(self, kit: Kit) -> AgentCapacity:
        """What this agent can run now."""
        runners = kit.runners
        site = kit.site.name
        return AgentCapacity(
            agent=self.name, site=site, resources=runners.ready(), unable=runners.unable()
        )

    def _ended(self, journey: Journey) -> None:
        poller = self._pollers.get(journey.claim.item.queue)
        if journey.requeued and poller is not None:
            poller.idle = False
        self._show()
        self._end_if_idle()

    async def _register(self, kit: Kit) -> None:
        waits, notes = pauses(Backoff()), {**self._notes}
        while not self._registered.is_set():
            try:
                await kit.backend.register(self._say(kit))
            except QueueError as exc:
                for queue in self.settings.queues:
                    self._note(queue, f"queue {queue}: {exc}; trying again")
                await anyio.sleep(long_enough(next(waits), exc))
            else:
                self._standing.heard(kit.backend.skew())
                for queue in self.settings.queues:
                    self._note(queue, notes.get(queue, ""))  # as found, such as a pause
                self._registered.set()

    async def _beat(self, kit: Kit) -> None:
        await self._registered.wait()
        heart = Heartbeat(
            kit=kit,
            lease=self.settings.lease_seconds,
            standing=self._standing,
            say=lambda: self._say(kit),
            held=lambda: self._under_way.held,
            obey=self._obey,
            missed=self._missed,
        )
        await heart.beat()

    def _missed(self) -> None:
        """The queue was not reached. Who is to end waits for it no longer than leases live."""
        self._show()
        if self._stopping and self._under_way and self._standing.lapsed:
            message = "the queue is silent and the leases are over: leaves %d to the next agent"
            self._log.warning(message, len(self._under_way), action="abort")
            self.abort()

    def _obey(self, orders: AgentOrders, held: Sequence[Claim]) -> None:
        self._under_way.obey(orders, held)
        if orders.drain:
            self.stop()
        self._show()

    def _say(self, kit: Kit) -> AgentStatus:
        capacity = self._capacity(kit)
        return AgentStatus(
            name=self.name,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=__version__,
            entity=self.settings.entity,
            queues=tuple(self.settings.queues),
            max_jobs=self.settings.max_jobs,
            started_at=self._started_at,
            doing=self.status,
            builds=kit.builder.builds,
            resources=capacity.resources,
            unable=capacity.unable,
            draining=self._stopping,
        )

    async def _depart(self, kit: Kit) -> None:
        try:
            await kit.backend.leave(self.name, dead=True)
        except QueueError as exc:
            self._log.warning("%s", exc, action="leave")

    def _note(self, queue: str, note: str) -> None:
        self._notes[queue] = note
        self._show()

    def _show(self) -> None:
        line = self.status
        if line != self._line:
            self._line = line
            self._log.debug("%s", line, action="status")
            if self._on_status:
                self._on_status(line)

    def _end_if_idle(self) -> None:
        idle = not self._under_way and all(each.idle for each in self._pollers.values())
        if self._exit_when_idle and idle:
            self.stop()
