"""Questions that go wrong, and what they leave."""

import os
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Thread
from uuid import uuid4

import anyio

from launchkit.abc import Finding
from launchkit.errors import LaunchError
from launchkit.model import Credentials
from mutants.registry_steps import CheckedRegistry


class MixesUp(CheckedRegistry):
    """What is asked is kept in the object."""

    async def exists(self, ref: str) -> bool:
        self.asked = ref
        await anyio.sleep(0.001)
        return await super().exists(self.asked)


class OneAtATime(CheckedRegistry):
    """The second question is refused while the first is under way."""

    busy: bool = False

    async def exists(self, ref: str) -> bool:
        if self.busy:
            raise LaunchError("the registry fake is busy with another question")
        self.busy = True
        try:
            await anyio.sleep(0.001)
            return await super().exists(ref)
        finally:
            self.busy = False


class Swallows(CheckedRegistry):
    async def exists(self, ref: str) -> bool:
        with suppress(anyio.get_cancelled_exc_class()):
            await anyio.sleep(0.003)
            return await super().exists(ref)
        return False


class CancelIsAnError(CheckedRegistry):
    async def credentials(self) -> Credentials:
        try:
            await anyio.sleep(0.003)
        except anyio.get_cancelled_exc_class():
            raise LaunchError("no login was given in time") from None
        return await super().credentials()


class LosesTheLock(CheckedRegistry):
    def __post_init__(self) -> None:
        self.lock = anyio.Lock()

    async def exists(self, ref: str) -> bool:
        while self.lock.statistics().locked:
            await anyio.sleep(0.001)
        await self.lock.acquire()
        await anyio.sleep(0.003)
        there = await super().exists(ref)
        self.lock.release()
        return there


class Sleeps(CheckedRegistry):
    async def exists(self, ref: str) -> bool:
        time.sleep(0.001)
        return await super().exists(ref)


class Connects(CheckedRegistry):
    async def exists(self, ref: str) -> bool:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname()).close()
        return await super().exists(ref)


class AsksAProgram(CheckedRegistry):
    async def credentials(self) -> Credentials:
        subprocess.run(["true"], check=True)
        return await super().credentials()


class LeaksFiles(CheckedRegistry):
    def __post_init__(self) -> None:
        self.open: list[object] = []

    async def exists(self, ref: str) -> bool:
        self.open.append(socket.socket())
        return await super().exists(ref)


class LeaksThreads(CheckedRegistry):
    async def credentials(self) -> Credentials:
        Thread(target=Event().wait, daemon=True).start()
        return await super().credentials()


class LeaksTasks(CheckedRegistry):
    async def digest(self, ref: str) -> str | None:
        self.tasks = getattr(self, "tasks", [])
        import asyncio

        self.tasks.append(asyncio.get_running_loop().create_task(anyio.sleep(30)))
        return await super().digest(ref)


class Hangs(CheckedRegistry):
    async def exists(self, ref: str) -> bool:
        await anyio.sleep_forever()
        return False


class HangsWithoutAnswer(CheckedRegistry):
    async def exists(self, ref: str) -> bool:
        while True:
            try:
                return await super().exists(ref)
            except LaunchError:
                await anyio.sleep(9)


class HangsInCredentials(CheckedRegistry):
    async def credentials(self) -> Credentials:
        await anyio.sleep_forever()
        return await super().credentials()


class MakesWhatIsAsked(CheckedRegistry):
    async def exists(self, ref: str) -> bool:
        there = await super().exists(ref)
        self.images.digests.setdefault(ref, f"sha256:{'1' * 64}")
        return there


class MovesTags(CheckedRegistry):
    async def digest(self, ref: str) -> str | None:
        digest = await super().digest(ref)
        if digest:
            self.images.digests[ref] = f"sha256:{uuid4().hex * 2}"
        return digest


class PushesToCheck(CheckedRegistry):
    async def check(self) -> Sequence[Finding]:
        self.images.digests[self.image_ref("check")] = f"sha256:{'1' * 64}"
        return await super().check()


class ChecksAway(CheckedRegistry):
    async def check(self) -> Sequence[Finding]:
        await self.exists(self.image_ref("check"))
        return [Finding(level="ok", subject="registry fake", message="answers")]


class AnswersForAll(CheckedRegistry):
    hosts = (".*",)


class AnswersForOthers(CheckedRegistry):
    hosts = (r"registry\.example\.org",)


@dataclass(kw_only=True)
class ShowsItself(CheckedRegistry):
    password: str = "fake-password"

    def __post_init__(self) -> None:
        self.images.password = self.password


class ChangesEnvironment(CheckedRegistry):
    async def credentials(self) -> Credentials:
        os.environ["REGISTRY_PASSWORD"] = "x"
        return await super().credentials()


class SameDigest(CheckedRegistry):
    async def digest(self, ref: str) -> str | None:
        return next(iter(self.images.digests.values()), None) and await self._first(ref)

    async def _first(self, ref: str) -> str | None:
        found = await super().digest(ref)
        return next(iter(self.images.digests.values())) if found else None
