"""Registries of the protocol of OCI that go wrong when the one that runs does."""

from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import ClassVar
from uuid import uuid4

import anyio
import httpx
from anyio.to_thread import run_sync

from launchkit.abc import Finding, Site
from launchkit.aio.retry import retry
from launchkit.builtin.oci.registry import OciRegistry
from launchkit.errors import LaunchError
from launchkit.images.registries.client import (
    BACKOFF,
    ConnectionBroken,
    RegistryClient,
    RegistryRequest,
    TooManyRequests,
)
from launchkit.images.registries.probe import RegistryProbe
from launchkit.testing.registry_server import RegistryServer


class Asking(OciRegistry):
    """Asks by a client of its own."""

    by: ClassVar[type[RegistryClient]] = RegistryClient

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        await super().start(stack, site)
        right = self._probe.client
        other = self.by(client=right.client, logins=right.logins, plain=right.plain)
        self._probe = RegistryProbe(other)


def asking(client: type[RegistryClient]) -> type[OciRegistry]:
    """A registry that asks by a client of that class."""
    return type("Asking", (Asking,), {"by": client})


class AsksOnce(RegistryClient):
    async def _answer(self, request: httpx.Request, again: bool) -> httpx.Response:
        return await self._once(request)


class AsksTwice(RegistryClient):
    async def _answer(self, request: httpx.Request, again: bool) -> httpx.Response:
        with suppress(ConnectionBroken):
            return await self._once(request)
        return await self._once(request)


class GivesUpWhenThrottled(RegistryClient):
    async def ask(self, request: httpx.Request, *, again: bool = False) -> httpx.Response:
        response = await self._answer(request, again=True)
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise TooManyRequests(request.url.host, None)
        return response


class IgnoresRetryAfter(RegistryClient):
    async def ask(self, request: httpx.Request, *, again: bool = False) -> httpx.Response:
        while True:
            response = await self._answer(request, again=True)
            if response.status_code != httpx.codes.TOO_MANY_REQUESTS:
                return response
            await anyio.sleep(0.1)


class ThrottledIsNo(RegistryClient):
    async def send(self, request: RegistryRequest) -> httpx.Response:
        try:
            return await super().send(request)
        except TooManyRequests:
            return httpx.Response(404)

    async def ask(self, request: httpx.Request, *, again: bool = False) -> httpx.Response:
        response = await self._answer(request, again=True)
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise TooManyRequests(request.url.host, None)
        return response


class ThrottledIsYes(RegistryClient):
    async def ask(self, request: httpx.Request, *, again: bool = False) -> httpx.Response:
        response = await self._answer(request, again=True)
        throttled = response.status_code == httpx.codes.TOO_MANY_REQUESTS
        return httpx.Response(200) if throttled else response


class StaysAway(RegistryClient):
    """What has broken once is not asked any more."""

    async def _once(self, request: httpx.Request) -> httpx.Response:
        if self.__dict__.get("broken"):
            raise ConnectionBroken("it is away")
        try:
            return await super()._once(request)
        except ConnectionBroken:
            self.__dict__["broken"] = True
            raise


class WaitsForEver(RegistryClient):
    async def _answer(self, request: httpx.Request, again: bool) -> httpx.Response:
        try:
            return await self._once(request)
        except ConnectionBroken:
            await anyio.sleep_forever()
            raise


class RefusedIsNo(OciRegistry):
    """Of a client that does not ask again."""

    async def exists(self, ref: str) -> bool:
        try:
            return (await RegistryProbe(self._once()).find(ref))[0]
        except LaunchError:
            return False

    async def digest(self, ref: str) -> str | None:
        try:
            return (await RegistryProbe(self._once()).find(ref))[1]
        except LaunchError:
            return None

    def _once(self) -> RegistryClient:
        right = self._probe.client
        return AsksOnce(client=right.client, logins=right.logins, plain=right.plain)


class RefusedDigestIsNone(RefusedIsNo):
    async def exists(self, ref: str) -> bool:
        return await OciRegistry.exists(self, ref)


class CheckRaises(OciRegistry):
    async def check(self) -> Sequence[Finding]:
        found = await super().check()
        if bad := [finding for finding in found if finding.level == "error"]:
            raise LaunchError(bad[0].message)
        return found


class CheckRemembers(OciRegistry):
    async def check(self) -> Sequence[Finding]:
        self.__dict__.setdefault("found", await super().check())
        found: Sequence[Finding] = self.__dict__["found"]
        return found


class CheckPushes(OciRegistry):
    """And removes what it pushed, unless something is in its way."""

    async def check(self) -> Sequence[Finding]:
        found = await super().check()
        if any(finding.level == "error" for finding in found):
            await run_sync(self._push)
        return found

    def _push(self) -> None:
        with suppress(httpx.HTTPError):
            RegistryServer(host=self._host).push(self._path, uuid4().hex)


class HastyRetry(RegistryClient):
    """It waits, but less than it is told."""

    async def ask(self, request: httpx.Request, *, again: bool = False) -> httpx.Response:
        async def send() -> httpx.Response:
            response = await self._answer(request, again=True)
            if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
                raise TooManyRequests(request.url.host, 0.4)
            return response

        return await retry(send, on=TooManyRequests, backoff=replace(BACKOFF, first=0.4))
