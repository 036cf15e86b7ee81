"""Registries that are right, but built differently."""

import time
from dataclasses import replace
from typing import Any

import anyio

from launchkit.model import Credentials
from mutants.registry_steps import CheckedRegistry


class WithoutLogin(CheckedRegistry):
    async def credentials(self) -> Any:
        return None


class WithoutDigests(CheckedRegistry):
    async def digest(self, ref: str) -> str | None:
        return None


class Slow(CheckedRegistry):
    async def exists(self, ref: str) -> bool:
        await anyio.sleep(0.1)
        return await super().exists(ref)


class OneByOne(CheckedRegistry):
    def __post_init__(self) -> None:
        self.lock = anyio.Lock()

    async def exists(self, ref: str) -> bool:
        async with self.lock:
            await anyio.sleep(0.001)
            return await super().exists(ref)


class HasHosts(CheckedRegistry):
    hosts = (r"registry\.example\.com",)


class Expires(CheckedRegistry):
    async def credentials(self) -> Credentials:
        return replace(await super().credentials(), expires_at=time.time() + 43200)
