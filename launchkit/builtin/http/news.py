"""News of queues: however many pollers wait, one request waits for all of them."""

from collections import Counter

import anyio

from launchkit.aio.retry import jittered
from launchkit.aio.topics import Subscription, Topics
from launchkit.builtin.http.service import Call, Service
from launchkit.errors import unwrapped
from launchkit.model import AgentCapacity
from launchkit.wire.agent_side import WaitAnswer, WaitRequest
from launchkit.wire.protocol import MAX_WAIT_SECONDS

QUICK_SECONDS = 1.0
"""An answer without news that comes sooner is from a service that lets nobody wait any more."""


class News:
    """Waits at the service for the queues that somebody here waits for.

    One of those who wait carries the request; when it goes, the next one takes it over. A queue
    that joins makes it be asked anew.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self.session: str | None = None
        self._capacities: dict[str, AgentCapacity] = {}
        self._paused: dict[str, bool] = {}
        self._waiting: Counter[str] = Counter()
        self._topics = Topics[str]()
        self._carrier = anyio.Lock()
        self._changed = Subscription()

    def claims(self, queue: str, capacity: AgentCapacity) -> None:
        """Note with which capacity a queue is asked: news are what such a claim would give."""
        self._capacities[queue] = capacity

    def told(self, queue: str, *, paused: bool) -> None:
        """Note whether the agent knows that *queue* gives nothing for a pause: news are also that
        this has changed.
        """
        self._paused[queue] = paused

    async def wait(self, queue: str, seconds: float) -> None:
        """Return when a claim on *queue* may give something, or the time is over.

        :raises QueueError: what the service says against it.
        """
        if queue not in self._capacities:
            return  # nobody has claimed yet: that is to be tried first
        with (
            unwrapped(),
            anyio.move_on_after(seconds),
            self._topics.subscribed(queue) as news,
        ):
            self._join(queue)
            try:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._carry, queue)
                    await news.wait()
                    tasks.cancel_scope.cancel()
            finally:
                self._leave(queue)

    async def _carry(self, queue: str) -> None:
        """Ask for all who wait, once no other does."""
        async with self._carrier:
            while True:
                self._changed = Subscription()
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._until_changed, tasks.cancel_scope)
                    await self._ask(queue)
                    tasks.cancel_scope.cancel()

    async def _until_changed(self, asking: anyio.CancelScope) -> None:
        await self._changed.wait()
        asking.cancel()

    async def _ask(self, queue: str) -> None:
        capacity = self._capacities[queue]
        alike = [name for name in self._waiting if self._capacities[name] == capacity]
        request = WaitRequest(
            queues=tuple(alike),
            capacity=capacity,
            wait=MAX_WAIT_SECONDS,
            paused={name: self._paused[name] for name in alike if name in self._paused},
            session=self.session,
        )
        call = Call(
            method="POST", parts=("agent", "waits"), body=request, wait=MAX_WAIT_SECONDS, again=True
        )
        began = anyio.current_time()
        answer = await self._service.ask(WaitAnswer, call)
        self._topics.notify(*answer.queues)
        if not answer.queues and anyio.current_time() - began < QUICK_SECONDS:
            await anyio.sleep(jittered(QUICK_SECONDS, 0.5))
        await anyio.lowlevel.checkpoint()

    def _join(self, queue: str) -> None:
        self._waiting[queue] += 1
        if self._waiting[queue] == 1:
            self._changed.notify()

    def _leave(self, queue: str) -> None:
        self._waiting[queue] -= 1
        if not self._waiting[queue]:
            del self._waiting[queue]
