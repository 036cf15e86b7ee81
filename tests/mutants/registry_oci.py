"""The registry of the protocol of OCI, with a defect."""

from contextlib import suppress
from dataclasses import dataclass, field

import httpx
import pytest

from launchkit.builtin.oci.registry import OciRegistry
from launchkit.errors import LaunchError
from launchkit.images.registries import probe
from launchkit.model import Credentials
from launchkit.testing.waiting import PATIENCE


@dataclass(kw_only=True)
class KeepsItsLogin(OciRegistry):
    _kept: dict[str, Credentials | None] = field(init=False, repr=False, default_factory=dict)

    async def _login(self, host: str) -> Credentials | None:
        if host not in self._kept:
            self._kept[host] = await super()._login(host)
        return self._kept[host]


class NoAnswerIsNo(OciRegistry):
    async def exists(self, ref: str) -> bool:
        try:
            return await super().exists(ref)
        except LaunchError:
            return False


class ForgetsTheLogin(OciRegistry):
    async def exists(self, ref: str) -> bool:
        self.username = None
        return await super().exists(ref)


class AsksForOldManifests(OciRegistry):
    async def exists(self, ref: str) -> bool:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(probe, "MANIFESTS", probe.MANIFESTS[2:])
            return await super().exists(ref)


class NewClientEachTime(OciRegistry):
    async def exists(self, ref: str) -> bool:
        self.clients = [*getattr(self, "clients", []), httpx.AsyncClient(timeout=PATIENCE)]
        with suppress(httpx.HTTPError):
            await self.clients[-1].get(f"http://{self._host}/v2/")
        return await super().exists(ref)


class BlockingClient(OciRegistry):
    async def digest(self, ref: str) -> str | None:
        httpx.get(f"http://{self._host}/v2/", timeout=PATIENCE)
        return await super().digest(ref)
