"""The agent: claims items from several queues at once, and sends each on its way."""

import logging
import math
import os
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import Self

import anyio
from anyio.abc import TaskGroup, TaskStatus

from launchkit import __version__
from launchkit.abc import Site
from launchkit.agent.arrival import arrive, meet_queue, obstacle
from launchkit.agent.folders import make_folders
from launchkit.agent.heartbeat import Heartbeat
from launchkit.agent.journey import Journey
from launchkit.agent.kit import Kit, start_kit
from launchkit.agent.plugin_tasks import plugin_tasks
from launchkit.agent.presence import hold_presence
from launchkit.agent.standing import Standing, status_line
from launchkit.aio.retry import Backoff, long_enough, pauses
from launchkit.errors import (
    ConfigError,
    QueueError,
    unwrapped,
)
from launchkit.model import AgentCapacity, AgentOrders, AgentStatus, Claim
from launchkit.observe import ObservedAgent, Watchdog, journal, open_observability, poller
from launchkit.plugins import Plugins
from launchkit.settings import AgentSettings

logger = logging.getLogger("launchkit.agent")
status_logger = logging.getLogger("launchkit.status")

LEAVE_SECONDS = 10.0
CLAIM_SECONDS = 90.0
OFFERED_LEASES = 1.5
"""For how many leases a run that this agent cannot go on with is left to others."""
LAST_CLAIM_SECONDS = 5.0
"""How long a claim under way may go on when the agent is to claim nothing more; one that is made
after that is given back when the agent leaves.
"""


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
        self.name = settings.name or f"{socket.gethostname()}-{secrets.token_hex(3)}"
        self.address: str | None = None
        """Where metrics and health are served, once it runs."""
        self._log = journal(logger, self.name)
        self._standing = Standing(settings.lease_seconds, self._log)
        self._plugins = plugins or Plugins()
        self._runner_problems = runner_problems
        self._exit_when_idle = exit_when_idle
        self._on_status = on_status
        self._journeys: dict[str, Journey] = {}
        self._offered: set[str] = set()
        self._notes: dict[str, str] = {}
        self._idle: set[str] = set()
        self._line = ""
        self._started_at = time.time()
        self._stopping = False
        self._stopped = anyio.Event()
        self._polling: anyio.CancelScope | None = None
        self._claims: set[anyio.CancelScope] = set()
        self._working: anyio.CancelScope | None = None
        self._slots: anyio.CapacityLimiter | None = None
        self._registered = anyio.Event()
        self._watchdog = Watchdog(settings.queues, settings.lease_seconds)
        self._limits = settings.limits()

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
        self._stopping = True
        self._stopped.set()
        if self._polling is not None:
            self._polling.cancel()
        for claim in self._claims:
            claim.deadline = min(claim.deadline, anyio.current_time() + LAST_CLAIM_SECONDS)

    def abort(self) -> None:
        """Stop without waiting: runs that survive the agent are left alone, others end."""
        self.stop()
        if self._working is not None:
            self._working.cancel()

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Work until stopped, then wait for what is under way.

        :raises ConfigError: if the settings do not fit a component.
        :raises PluginError: if a component is not installed.
        :raises NotFound: if a queue does not exist.
        :raises Conflict: if an agent of this name runs on this machine.
        :raises AgentReplaced: if one of this name was started later elsewhere.
        """
        with unwrapped():
            await self._run(task_status)

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
                tasks=plugin_tasks(background),
                policy=settings.policy,
                watches=self._watchdog.watches,
            )
            backend = await meet_queue(settings, self._plugins, stack, site, self._stopped)
            if backend is None:
                task_status.started()
                return
            kit = await start_kit(settings, self._plugins, stack, backend, self._runner_problems)
            kit = await self._watched(kit, background, stack)
            async with kit.runners, anyio.create_task_group() as beats:  # they end before the kit
                self._notes |= await arrive(kit, settings.queues, self._capacity(kit))
                beats.start_soon(self._register, kit)
                beats.start_soon(self._beat, kit)
                try:
                    await self._work(kit, task_status)
                finally:
                    with anyio.move_on_after(LEAVE_SECONDS, shield=True):
                        await self._depart(kit)
                beats.cancel_scope.cancel()

    @property
    def status(self) -> str:
        """What the agent does or waits for, in words."""
        held = len(self._journeys)
        if self._stopping:
            return "; ".join((f"draining: {held} under way", *self._standing.words))
        return status_line(
            held,
            self.settings.max_jobs,
            self.settings.queues,
            [note for note in self._notes.values() if note],
            self._standing.words,
        )

    async def _watched(self, kit: Kit, background: TaskGroup, stack: AsyncExitStack) -> Kit:
        """The kit, such that what is done with it is seen."""
        observed = ObservedAgent(
            name=self.name,
            settings=self.settings,
            plugins=self._plugins,
            held=lambda: len(self._journeys),
            draining=lambda: self._stopping,
            watchdog=self._watchdog,
        )
        observability = await stack.enter_async_context(open_observability(observed, background))
        self.address = observability.address
        if self.address:
            message = "%s serves /metrics, /livez and /readyz"
            journal(status_logger, self.name).info(message, self.address, action="listen")
        backend = observability.watched(kit.backend)
        return replace(kit, backend=backend, observer=observability.observer)

    async def _work(self, kit: Kit, task_status: TaskStatus[None]) -> None:
        limit = self.settings.max_jobs
        self._slots = anyio.CapacityLimiter(math.inf if limit < 0 else limit)
        async with anyio.create_task_group() as journeys:
            self._working = journeys.cancel_scope
            with anyio.CancelScope() as self._polling:
                task_status.started()
                self._show()
                if self._stopping:
                    self._polling.cancel()
                async with anyio.create_task_group() as pollers:
                    for queue in self.settings.queues:
                        pollers.start_soon(self._poll, queue, kit, journeys)
            self._stopping = True
            self._show()
            if self.settings.drain_timeout is not None:
                journeys.cancel_scope.deadline = anyio.current_time() + self.settings.drain_timeout

    async def _poll(self, queue: str, kit: Kit, journeys: TaskGroup) -> None:
        with self._watchdog.resting(poller(queue)):
            await self._registered.wait()
        waits = pauses(Backoff())
        while True:
            try:
                claimed = await self._claim(queue, kit, journeys)
                self._note(
                    queue, "" if claimed else await obstacle(queue, kit, self._capacity(kit))
                )
                if not claimed:
                    self._idle.add(queue)
                    self._end_if_idle()
                    await self._news(queue, kit)
            except QueueError as exc:
                pause = long_enough(next(waits), exc)
                self._note(queue, f"queue {queue}: {exc}; trying again")
                await anyio.sleep(pause)
                continue
            waits = pauses(Backoff())

    async def _news(self, queue: str, kit: Kit) -> None:
        """Return when *queue* may give something: it has changed, or a runner works again."""
        with kit.runners.until_changed():
            await kit.backend.news(queue, kit.backend.news_seconds)

    def _capacity(self, kit: Kit) -> AgentCapacity:
        """What this agent can run now."""
        runners = kit.runners
        site = kit.site.name
        return AgentCapacity(
            agent=self.name, site=site, resources=runners.ready(), unable=runners.unable()
        )

    async def _claim(self, queue: str, kit: Kit, journeys: TaskGroup) -> bool:
        """Take a slot, then an item; give the slot back if there is none."""
        assert self._slots is not None  # noqa: S101 - for the type checker
        slot = object()
        with self._watchdog.resting(poller(queue)):
            await self._slots.acquire_on_behalf_of(slot)
        claim = None
        try:
            # A claim that was made must not be forgotten.
            with anyio.move_on_after(CLAIM_SECONDS, shield=True) as scope:
                self._claims.add(scope)
                claim = await kit.backend.claim(queue, self._capacity(kit))
        finally:
            self._claims.discard(scope)
            if claim is None:
                self._slots.release_on_behalf_of(slot)
        if claim is None:
            return False
        self._idle.discard(queue)
        journey = self._journey(claim, kit)
        self._journeys[claim.item.id] = journey
        journeys.start_soon(self._travel, journey, kit, slot, name=f"launch {claim.item.id}")
        return True

    def _journey(self, claim: Claim, kit: Kit) -> Journey:
        return Journey(claim, kit, self._limits)

    async def _travel(self, journey: Journey, kit: Kit, slot: object) -> None:
        item = journey.claim.item
        message = "launch %s (run %s, attempt %d) claimed"
        journey.log.info(message, item.id, item.run_id, item.attempt, action="claim")
        self._show()
        try:
            await journey.travel()
            while (again := await self._again(journey)) is not None:
                journey = self._journeys[item.id] = again
                await journey.travel()
        except Exception:
            journey.log.exception("launch %s: left for its next holder", item.id, action="fault")
        finally:
            kit.observer.left(journey.claim)
            if self._journeys.get(item.id) is journey:  # else this agent has claimed it again
                del self._journeys[item.id]
            assert self._slots is not None  # noqa: S101 - for the type checker
            self._slots.release_on_behalf_of(slot)
            if journey.requeued:
                self._idle.discard(item.queue)
            self._show()
            self._end_if_idle()

    async def _again(self, journey: Journey) -> Journey | None:
        """Another journey for a run that *journey* has left alive, after a while in which others
        may take it over, for its lease is not renewed. It keeps its slot all the time.
        """
        again, item_id = journey.again(), journey.claim.item.id
        if again is None:
            return None
        self._offered.add(item_id)
        try:
            with anyio.move_on_after(OFFERED_LEASES * self.settings.lease_seconds):
                await self._stopped.wait()
        finally:
            self._offered.discard(item_id)
        ours = self._journeys.get(item_id) is journey  # else this agent has claimed it again
        return again if ours and not self._stopping else None

    async def _register(self, kit: Kit) -> None:
        waits = pauses(Backoff())
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
                    self._note(queue, "")
                self._registered.set()

    async def _beat(self, kit: Kit) -> None:
        await self._registered.wait()
        heart = Heartbeat(
            kit=kit,
            lease=self.settings.lease_seconds,
            standing=self._standing,
            say=lambda: self._say(kit),
            held=self._held,
            obey=self._obey,
            missed=self._missed,
        )
        await heart.beat()

    def _held(self) -> list[Claim]:
        offered, journeys = self._offered, self._journeys.items()
        return [journey.claim for item_id, journey in journeys if item_id not in offered]

    def _missed(self) -> None:
        """The queue was not reached. Who is to end waits for it no longer than leases live."""
        self._show()
        if self._stopping and self._journeys and self._standing.lapsed:
            message = "the queue is silent and the leases are over: leaves %d to the next agent"
            self._log.warning(message, len(self._journeys), action="abort")
            self.abort()

    def _obey(self, orders: AgentOrders, held: list[Claim]) -> None:
        for order in orders.stop:
            if journey := self._journeys.get(order.item_id):
                journey.stop(order)
        for claim in held:
            journey = self._journeys.get(claim.item.id)
            if claim.item.id in orders.lost and journey and journey.claim is claim:
                journey.lose()
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
        if self._exit_when_idle and not self._journeys and self._idle >= set(self.settings.queues):
            self.stop()
