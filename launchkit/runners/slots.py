"""Named devices, such as GPUs, each given to one run at a time, over all agents of one queue
service.
"""

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import anyio

from launchkit.abc import Output, QueueBackend
from launchkit.aio.retry import jittered
from launchkit.aio.topics import Subscription, Topics
from launchkit.aio.trouble import Trouble
from launchkit.errors import QueueError, Rejected

log = logging.getLogger("launchkit.runners")

LEASE_SECONDS = 60.0
"""How long the reservation of a device outlives an agent that died."""
LOOK_SECONDS = 30.0
AGAIN_SECONDS = 5.0
"""Until a queue that did not answer is asked again."""
PAUSE_SECONDS = 0.2
"""Those who wait for one device do not come for it all at once when it is given back."""
JITTER = 0.9
RELEASE_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Wish:
    """So many of some devices."""

    devices: Sequence[str]
    """Those that will do, the best ones first."""
    count: int
    text: str
    """The wish for people, such as `2 of 8 GPUs`."""


@dataclass(kw_only=True, eq=False)
class Slots:
    """Gives devices to holders, which are the names of runs. A device is taken while a live run
    has it, as `in_use` tells, or while a holder has its lock in the queue's store, which is renewed
    for as long as its agent lives.
    """

    what: str
    """What a device is called, such as `GPU`."""
    agent: str
    """The name of the agent, whose locks they are: those of one that died are free at once."""
    backend: QueueBackend | None
    """Keeps the locks; None: only this agent and `in_use` are looked at."""
    lock_name: Callable[[str], Awaitable[str]]
    """The lock of a device: the same for all agents that could give it, and no others."""
    in_use: Callable[[], Awaitable[Mapping[str, Collection[str]]]]
    """The devices of each live run, whoever started it. It sees to its own trouble."""
    news: Topics[str] = field(default_factory=Topics)
    """Whatever is heard of runs lets those who wait look again, as does each lock that is given
    back, beside a slow look.
    """
    look: float = LOOK_SECONDS
    _given: dict[str, tuple[str, ...]] = field(init=False, default_factory=dict)
    _turn: anyio.Lock = field(init=False, default_factory=anyio.Lock)

    def __post_init__(self) -> None:
        self._trouble = Trouble(log, f"reserving each {self.what} for one run")

    def given(self, holder: str) -> tuple[str, ...] | None:
        """The devices of a run, if it has any."""
        return self._given.get(holder)

    async def take(self, holder: str, wish: Wish, out: Output | None = None) -> tuple[str, ...]:
        """Wait for devices, in the order of asking; *out* is told of it once. One that has some
        keeps them. One who is cancelled takes none.

        :raises Rejected: if there are not so many.
        """
        if not 0 < wish.count <= len(wish.devices):
            raise Rejected(
                f"{self.what}: {wish.count} wanted, and there are {len(wish.devices)} that will do"
            )
        if devices := self._given.get(holder):
            return devices
        waits = self._turn.locked()
        if waits and out is not None:
            await out.say(f"waits for {wish.text}")
        async with self._turn:
            devices = await self._waited(holder, wish, None if waits else out)
        try:
            if out is not None:
                await out.say(f"has {self.what} {', '.join(devices)}")
        except BaseException:
            await self.release(holder)
            raise
        return devices

    async def release(self, holder: str) -> None:
        """Give back what a run had; none is no error."""
        await self._release_devices(holder, self._given.pop(holder, ()))
        self.news.notify()

    def adopt(self, holder: str, devices: Sequence[str]) -> None:
        """Go on for a run that an earlier agent has started."""
        if devices:
            self._given[holder] = tuple(devices)

    async def confirm(self, holder: str, wish: Wish, out: Output | None = None) -> tuple[str, ...]:
        """The devices of a run that is about to start: others than before if somebody else has got
        one of its own, which can happen while the machine sleeps.
        """
        used = await self._used(holder)
        for device in self._given.get(holder, ()):
            if device in used or not await self._acquire_device(device, holder):
                await self.release(holder)
                break
        return self._given.get(holder) or await self.take(holder, wish, out)

    async def keep(self) -> None:
        """Renew what is held, until cancelled. To be started in `Site.tasks`."""
        while True:
            await anyio.sleep(LEASE_SECONDS / 3)
            for holder, devices in [*self._given.items()]:
                for device in devices:
                    if holder in self._given:
                        await self._acquire_device(device, holder)

    async def _waited(self, holder: str, wish: Wish, out: Output | None) -> tuple[str, ...]:
        refused: list[str] = []
        with self.news.subscribed_to_all() as news:
            while not (
                devices := self._given.get(holder) or await self._taken(holder, wish, refused)
            ):
                if out is not None:
                    await out.say(f"waits for {wish.text}")
                    out = None
                await self._heard(news, refused)
                refused.clear()
            return devices

    async def _heard(self, news: Subscription, refused: Sequence[str]) -> None:
        """Wait until something is heard of runs, or one of these locks may be had."""
        async with anyio.create_task_group() as tasks:
            for device in refused:
                tasks.start_soon(self._freed, device, tasks.cancel_scope)
            await news.wait(min(AGAIN_SECONDS, self.look) if self._trouble else self.look)
            tasks.cancel_scope.cancel()

    async def _freed(self, device: str, all_waits: anyio.CancelScope) -> None:
        assert self.backend is not None  # noqa: S101 - it has refused the lock
        pause = PAUSE_SECONDS
        try:
            await self.backend.lock_news(await self.lock_name(device), self.look)
        except QueueError as exc:
            self._trouble.tell(exc)
            pause = AGAIN_SECONDS
        await anyio.sleep(jittered(min(pause, self.look), JITTER))
        all_waits.cancel()

    async def _taken(self, holder: str, wish: Wish, refused: list[str]) -> tuple[str, ...]:
        """Take all devices that are wished for, or none; *refused* gets those whose lock another
        has, as far as that was asked.
        """
        used = await self._used(holder)
        free = [device for device in wish.devices if device not in used]
        held: list[str] = []
        try:
            for number, device in enumerate(free):
                if len(held) + len(free) - number < wish.count:
                    break
                held.append(device)  # before the answer, which may get lost
                got = await self._acquire_device(device, holder)
                if not got:
                    held.remove(device)
                    refused += [device] if got is False else []
                elif len(held) == wish.count:
                    self._given[holder] = tuple(held)
                    return self._given[holder]
            return ()
        finally:
            if holder not in self._given:
                await self._release_devices(holder, held)

    async def _used(self, holder: str) -> set[str]:
        """The devices of all others."""
        live = await self.in_use()
        return {
            device
            for given in (live, self._given)
            for other, devices in given.items()
            for device in devices
            if other != holder
        }

    async def _acquire_device(self, device: str, holder: str) -> bool | None:
        """Whether it is ours; None if the queue does not answer now."""
        if self.backend is None:
            return True
        try:
            name = await self.lock_name(device)
            held = await self.backend.acquire_lock(name, self._owner(holder), LEASE_SECONDS)
        except QueueError as exc:
            self._trouble.tell(exc)
            return None
        self._trouble.over()
        return held

    async def _release_devices(self, holder: str, devices: Sequence[str]) -> None:
        """What cannot be given back now is free when its lease ends."""
        if self.backend is None:
            return
        with anyio.move_on_after(RELEASE_SECONDS, shield=True):
            for device in devices:
                try:
                    name = await self.lock_name(device)
                    await self.backend.release_lock(name, self._owner(holder))
                except QueueError as exc:
                    self._trouble.tell(exc)

    def _owner(self, holder: str) -> str:
        return f"{self.agent}/{holder}"
