"""Which GPUs this machine has for its runs: those of the settings, or those that are found."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import anyio
from anyio.to_thread import run_sync

from launchkit.errors import Rejected
from launchkit.runners.slots import Wish
from launchkit_docker.engine.address import engine_address
from launchkit_docker.options.gpu_request import Gpus

log = logging.getLogger("launchkit.docker")

QUERY = ("nvidia-smi", "--query-gpu=index,uuid", "--format=csv,noheader")
ANSWER_SECONDS = 20.0
"""A driver that has to wake its devices first takes some seconds."""


@dataclass(frozen=True, kw_only=True)
class GpuInventory:
    """The devices that can be given, and their other names."""

    devices: tuple[str, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    """Each other name of a device, with the one in `devices`."""
    closed: bool = True
    """False: a device that is asked for by a name that is not known, such as a part of a GPU, is
    given all the same, to one run at a time."""

    def wish(self, asked: Gpus) -> Wish:
        """The devices that will do, and how many of them.

        :raises Rejected: if there can never be so many.
        """
        self.check(asked)
        text = f"{asked.text()} of {len(self.devices)} GPUs"
        return Wish(devices=self.named(asked) or self.devices, count=self.count(asked), text=text)

    def named(self, wish: Gpus) -> tuple[str, ...]:
        """The devices that a wish names."""
        return tuple(dict.fromkeys(self.names.get(name, name) for name in wish.device_ids))

    def count(self, wish: Gpus) -> int:
        """How many devices a wish is for."""
        return len(self.named(wish)) or (len(self.devices) if wish.count == -1 else wish.count or 1)

    def check(self, wish: Gpus) -> None:
        """:raises Rejected: if the wish can never be fulfilled."""
        unknown = [device for device in self.named(wish) if device not in self.devices]
        if unknown and self.closed:
            raise Rejected(
                f"resource_args.gpus: this machine has no GPU {', '.join(unknown)} to give",
                hint=f"policy.gpu_slots of its agent has: {', '.join(self.devices) or 'none'}",
            )
        if not unknown and not 0 < self.count(wish) <= len(self.devices):
            raise Rejected(
                f"resource_args.gpus: {wish.text()} is wanted, and this machine gives"
                f" {len(self.devices)}",
                hint="ask for fewer, or have the agent's owner raise policy.gpu_slots",
            )


async def inventory_of(setting: tuple[str, ...] | Literal["shared"] | None) -> GpuInventory | None:
    """What the settings say; where they say nothing, what the driver does. None leaves it to the
    Engine, which may give one device to many.
    """
    if setting == "shared":
        return None
    if setting is not None:
        return GpuInventory(devices=setting)
    found = await find_gpus()
    names = {uuid: index for index, uuid in found.items()}
    return GpuInventory(devices=tuple(found), names=names, closed=False) if found else None


async def find_gpus() -> Mapping[str, str]:
    """The index of each NVIDIA GPU with its UUID; none if the Engine is on another machine."""
    if not (await run_sync(engine_address)).is_local:
        return {}
    try:
        with anyio.fail_after(ANSWER_SECONDS):
            done = await anyio.run_process(QUERY, check=False)
    except (OSError, TimeoutError) as exc:
        log.debug("no GPUs are found: %r", exc)
        return {}
    if done.returncode:
        log.warning("nvidia-smi fails: %s", (done.stdout + done.stderr).decode(errors="replace"))
        return {}
    rows = [line.split(", ", 1) for line in done.stdout.decode(errors="replace").splitlines()]
    return {row[0].strip(): row[1].strip() for row in rows if len(row) > 1}
