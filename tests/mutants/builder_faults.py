"""Builders that go wrong when their registry does, or when they are killed."""

import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import anyio
import httpx

from launchkit.abc import Output
from launchkit.aio.retry import retry
from launchkit.errors import BuildError
from launchkit.model import BuildRequest, Image
from mutants.builder_pushing import BACKOFF, PushingBuilder, Trouble, digest_of

T = TypeVar("T")


# --- faults


class AsksOnce(PushingBuilder):
    async def _again(self, act: Callable[[], Awaitable[T]]) -> T:
        return await act()


class GivesUpWhenThrottled(PushingBuilder):
    async def _again(self, act: Callable[[], Awaitable[T]]) -> T:
        def passes(exc: Exception) -> bool:
            return isinstance(exc, Trouble) and exc.retry_after is None

        return await retry(act, on=passes, backoff=BACKOFF)


class IgnoresRetryAfter(PushingBuilder):
    async def _asked(self, method: str, url: str | httpx.URL, **more: object) -> httpx.Response:
        try:
            return await super()._asked(method, url, **more)
        except Trouble as exc:
            raise Trouble(exc.message) from exc


class TakesALostAnswerForFailure(PushingBuilder):
    async def _manifest(self, name: str, tag: str, layer: bytes) -> str:
        try:
            return await super()._manifest(name, tag, layer)
        except Trouble as exc:
            raise BuildError(f"the registry did not take {tag}") from exc


class TakesNoAnswerForSuccess(PushingBuilder):
    async def _manifest(self, name: str, tag: str, layer: bytes) -> str:
        with suppress(Trouble):
            return await super()._manifest(name, tag, layer)
        return digest_of(layer)


class TakesThrottledForThere(PushingBuilder):
    async def _digest(self, name: str, tag: str) -> str | None:
        try:
            return await super()._digest(name, tag)
        except Trouble as exc:
            if exc.retry_after:
                return digest_of(tag.encode())
            raise


class TakesRefusedForThere(PushingBuilder):
    async def _digest(self, name: str, tag: str) -> str | None:
        try:
            return await super()._digest(name, tag)
        except Trouble:
            return digest_of(tag.encode())


class RepeatsThePutAlone(PushingBuilder):
    """Whose upload is over by then."""

    async def _blob(self, name: str, data: bytes) -> None:
        place = await self._begun(name)
        await self._again(partial(self._put, place, data))


class TagOfEachTry(PushingBuilder):
    async def build(self, request: BuildRequest, out: Output) -> Image:
        self.tries = 0
        return await super().build(request, out)

    async def _manifest(self, name: str, tag: str, layer: bytes) -> str:
        self.tries += 1
        self.tag = tag if self.tries == 1 else f"{tag}-{self.tries}"
        return await super()._manifest(name, self.tag, layer)


class NamesEachTry(TagOfEachTry):
    """A push that may have been done is repeated under a new name."""

    async def build(self, request: BuildRequest, out: Output) -> Image:
        self.tag = ""
        image = await super().build(request, out)
        named = f"{image.ref.rpartition(':')[0]}:{self.tag}" if self.tag else image.ref
        return Image(ref=named, digest=image.digest)


class SendsTheRestOfAStream(PushingBuilder):
    """A stream that was read once has nothing for the next try."""

    async def _pushed(self, name: str, tag: str, layer: bytes) -> str:
        await self._again(partial(self._blob, name, b"{}"))
        stream = iter([layer])

        async def act() -> None:
            await self._blob(name, next(stream, b""))

        await self._again(act)
        return await self._again(partial(self._manifest, name, tag, layer))


class EmptyAfterTrouble(PushingBuilder):
    """What is pushed after trouble is an image without code."""

    async def _pushed(self, name: str, tag: str, layer: bytes) -> str:
        with suppress(Trouble):
            await self._blob(name, b"{}")
            await self._blob(name, layer)
            return await self._manifest(name, tag, layer)
        return await super()._pushed(name, tag, bytes(1024))


class WaitsForEver(PushingBuilder):
    async def _put(self, place: str, data: bytes) -> None:
        try:
            await super()._put(place, data)
        except Trouble:
            await anyio.sleep_forever()


# --- crashes


class LeavesALock(PushingBuilder):
    """It is held by its file, which a crash does not remove."""

    async def _pushed(self, name: str, tag: str, layer: bytes) -> str:
        self._site.state_dir.mkdir(parents=True, exist_ok=True)
        lock = self._site.state_dir / f"{tag}.lock"
        if lock.exists():
            raise BuildError(f"{lock}: another agent builds it")
        lock.touch()
        try:
            return await super()._pushed(name, tag, layer)
        finally:
            lock.unlink()


class TagsFirst(PushingBuilder):
    """The tag means an image without code until the other is there."""

    async def _pushed(self, name: str, tag: str, layer: bytes) -> str:
        await super()._pushed(name, tag, bytes(1024))
        return await super()._pushed(name, tag, layer)


class NotesFirst(PushingBuilder):
    """What it has noted it does not build again."""

    async def _pushed(self, name: str, tag: str, layer: bytes) -> str:
        self._site.state_dir.mkdir(parents=True, exist_ok=True)
        note = self._site.state_dir / tag
        if note.exists():
            return note.read_text()
        note.write_text(digest_of(layer))
        return await super()._pushed(name, tag, layer)


class NamesHoldTheProcess(PushingBuilder):
    def _tag(self, layer: bytes) -> str:
        return f"{super()._tag(layer)}-{os.getpid()}"


class CachesHalf(PushingBuilder):
    """What is in its cache is pushed, whole or not."""

    async def _pushed(self, name: str, tag: str, layer: bytes) -> str:
        self._site.cache_dir.mkdir(parents=True, exist_ok=True)
        kept = self._site.cache_dir / tag
        if not kept.exists():
            with kept.open("wb") as file:
                file.write(layer[: len(layer) // 1024 * 512])
                file.flush()
                await self._blob(name, b"{}")
                file.write(layer[len(layer) // 1024 * 512 :])
        return await super()._pushed(name, tag, kept.read_bytes())


@dataclass(kw_only=True)
class RefusesWhatIsThere(PushingBuilder):
    """An image that is there already, which it did not push itself, is a fault."""

    async def _pushed(self, name: str, tag: str, layer: bytes) -> str:
        self.__dict__.setdefault("own", set()).add(tag)
        return await super()._pushed(name, tag, layer)

    async def _digest(self, name: str, tag: str) -> str | None:
        found = await super()._digest(name, tag)
        if found and tag not in self.__dict__.get("own", ()):
            raise BuildError(f"{tag} is there already")
        return found
