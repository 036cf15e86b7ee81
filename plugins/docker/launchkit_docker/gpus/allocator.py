"""GPUs of this machine, each given to one run at a time, over all agents of one queue service."""

import logging

import anyio

from launchkit.abc import Output, QueueBackend
from launchkit.errors import QueueError
from launchkit_docker.containers import labels
from launchkit_docker.containers.containers import Containers
from launchkit_docker.gpus.inventory import GpuInventory
from launchkit_docker.options.gpu_request import Gpus

log = logging.getLogger("launchkit.docker")

LEASE_SECONDS = 60.0
LOOK_SECONDS = 5.0
LIVE = ["created", "running", "paused", "restarting"]


class GpuAllocator:
    """Hands out devices. A device is taken while a live container has it by its label, or while
    a run holds its lock, which is renewed for as long as its agent lives.
    """

    def __init__(
        self, inventory: GpuInventory, containers: Containers, backend: QueueBackend | None
    ) -> None:
        self._inventory = inventory
        self._engine = containers.engine
        self._asked = containers.asked
        self._events = containers.events
        self._backend = backend
        self._given: dict[str, tuple[str, ...]] = {}
        self._turn = anyio.Lock()
        self._place = ""

    def given(self, name: str) -> tuple[str, ...] | None:
        """The devices of a run, if it has any."""
        return self._given.get(name)

    async def take(self, name: str, wish: Gpus, out: Output) -> None:
        """Wait for devices, in the order of asking. :raises Rejected: if there are too few."""
        self._inventory.check(wish)
        if name in self._given:
            return
        said = False
        async with self._turn:
            while True:
                news = self._events.of_any()
                if taken := await self._taken(name, wish):
                    self._given[name] = taken
                    await out.say(f"has GPU {', '.join(taken)}")
                    return
                if not said:
                    total = len(self._inventory.devices)
                    await out.say(f"waits for {wish.text()} of {total} GPUs")
                    said = True
                with anyio.move_on_after(LOOK_SECONDS):
                    await news.wait()

    async def release(self, name: str) -> None:
        """Give back what a run had."""
        for device in self._given.pop(name, ()):
            await self._let_go(device, name)
        self._events.ring("")

    def adopt(self, name: str, label: str) -> None:
        """Go on for a run of an earlier agent."""
        if label:
            self._given[name] = tuple(label.split(","))

    async def confirm(self, name: str, wish: Gpus) -> None:
        """Give a run that is about to start other devices if somebody else has got its own, which
        can happen while the machine sleeps.
        """
        devices = self._given.get(name, ())
        used = await self._in_use(name)
        for device in devices:
            if device in used or not await self._hold(device, name):
                await self.release(name)
                await self.take(name, wish, _Unheard())
                return

    async def keep(self) -> None:
        """Renew what is held until cancelled."""
        while True:
            await anyio.sleep(LEASE_SECONDS / 3)
            for name, devices in [*self._given.items()]:
                for device in devices:
                    await self._hold(device, name)

    async def _taken(self, name: str, wish: Gpus) -> tuple[str, ...]:
        """All devices that are wished for, or none."""
        used = {device for devices in self._given.values() for device in devices}
        used |= await self._in_use(name)
        wanted = self._inventory.named(wish) or self._inventory.devices
        count = self._inventory.count(wish)
        held: list[str] = []
        for device in wanted:
            if len(held) < count and device not in used and await self._hold(device, name):
                held.append(device)
        if len(held) == count:
            return tuple(held)
        for device in held:
            await self._let_go(device, name)
        return ()

    async def _in_use(self, name: str) -> set[str]:
        """The devices of live containers of other runs, whoever started them."""
        filters = {"label": [labels.RUN, labels.GPUS], "status": LIVE}
        found = await self._asked(lambda: self._engine.containers.list(all=True, filters=filters))
        others = [c for c in found if f"/{name}" not in c["Names"]]
        names = [str(c["Labels"].get(labels.GPUS, "")) for c in others]
        return {device for label in names for device in label.split(",") if device}

    async def _hold(self, device: str, name: str) -> bool:
        if self._backend is None:
            return True
        try:
            return await self._backend.acquire_lock(await self._lock(device), name, LEASE_SECONDS)
        except QueueError as exc:
            log.warning("GPU %s cannot be reserved now: %s", device, exc)
            return False

    async def _let_go(self, device: str, name: str) -> None:
        if self._backend is None:
            return
        try:
            await self._backend.release_lock(await self._lock(device), name)
        except QueueError as exc:
            log.warning("GPU %s is given back when its lease ends: %s", device, exc)

    async def _lock(self, device: str) -> str:
        if not self._place:
            self._place = str((await self._asked(self._engine.system.info))["ID"])
        return f"gpu:{self._place}/{device}"


class _Unheard(Output):
    """Where there is nobody to tell any more."""

    async def __call__(self, data: bytes) -> None:
        """Forget it."""
