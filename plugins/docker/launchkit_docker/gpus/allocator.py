"""GPUs of this machine, each given to one run at a time, over all agents of one queue service."""

from collections.abc import Collection, Mapping

from launchkit.abc import Output, QueueBackend
from launchkit.runners.slots import Slots
from launchkit_docker.containers import labels
from launchkit_docker.containers.container import OVER, devices_in
from launchkit_docker.containers.containers import Containers
from launchkit_docker.containers.informer import list_runs
from launchkit_docker.engine.client import understood
from launchkit_docker.gpus.inventory import GpuInventory
from launchkit_docker.options.gpu_request import Gpus


class GpuAllocator:
    """Hands out devices. A device is taken while a live container has it by its label, or while
    a run holds its lock, which is renewed for as long as its agent lives.
    """

    def __init__(
        self,
        inventory: GpuInventory | None,
        containers: Containers,
        backend: QueueBackend | None,
        agent: str,
    ) -> None:
        """Hand out nothing without an *inventory*: then the Engine does."""
        self._inventory = inventory
        self._containers = containers
        self._slots = Slots(
            what="GPU",
            agent=agent,
            backend=backend,
            lock_name=self._lock,
            in_use=self._in_use,
            news=containers.informer.news,
        )
        self.given = self._slots.given
        self.release = self._slots.release
        self.keep = self._slots.keep

    async def take(self, name: str, wish: Gpus | None, out: Output) -> None:
        """Wait for devices, in the order of asking. :raises Rejected: if there are too few."""
        if self._inventory and wish:
            with self._containers.informer.subscribed(name):  # so that ends of runs are heard of
                await self._slots.take(name, self._inventory.wish(wish), out)

    def adopt(self, name: str, devices: tuple[str, ...]) -> None:
        """Go on for a run of an earlier agent."""
        if self._inventory:
            self._slots.adopt(name, devices)

    async def confirm(self, name: str, wish: Gpus | None) -> None:
        """Give a run that is about to start other devices if somebody else has got its own, which
        can happen while the machine sleeps.
        """
        if self._inventory and wish:
            await self._slots.confirm(name, self._inventory.wish(wish))

    async def _in_use(self) -> Mapping[str, Collection[str]]:
        engine = self._containers.engine
        found = await engine.answered(lambda: list_runs(engine, labels.GPUS))
        return {each.name: devices_in(each.labels) for each in found if each.state not in OVER}

    async def _lock(self, device: str) -> str:
        about = await self._containers.info()
        with understood():
            return f"gpu:{about['ID']}/{device}"
