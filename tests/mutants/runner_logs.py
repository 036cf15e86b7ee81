"""Runs of local processes whose logs have one defect each."""

import os
import threading
import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import anyio
from anyio.to_thread import run_sync

from launchkit.builtin.local_process.run import ProcessRun
from launchkit.errors import RunLost, Unreachable
from launchkit.model import LogChunk, RunState


class LogsEndEarly(ProcessRun):
    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        if data := await run_sync(self._dir.read_log, offset, 1 << 24):
            yield LogChunk(offset=offset, data=data)


class LogsEndInSilence(ProcessRun):
    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        while not (await self.status()).state.ended:
            if self._dir.log.exists() and self._dir.log.stat().st_size > offset:
                break
            await anyio.sleep(0.01)
        while data := await run_sync(self._dir.read_log, offset, 1 << 20):
            yield LogChunk(offset=offset, data=data)
            offset += len(data)
            await anyio.sleep(0.3)


def chunks(change: Any) -> type[ProcessRun]:
    """A run whose chunks *change* changes: of a chunk and its number, a list of chunks."""

    class Changed(ProcessRun):
        async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
            number = 0
            async for chunk in super().logs(offset):
                for other in change(chunk, number):
                    yield other
                number += 1

    return Changed


def no_first_byte(chunk: LogChunk, number: int) -> list[LogChunk]:
    return [replace(chunk, data=chunk.data[1:])] if chunk.offset == 0 else [chunk]


def text_mode(chunk: LogChunk, number: int) -> list[LogChunk]:
    return [replace(chunk, data=chunk.data.decode(errors="replace").encode())]


def lines_only(chunk: LogChunk, number: int) -> list[LogChunk]:
    return [replace(chunk, data=chunk.data[: chunk.data.rfind(b"\n") + 1])]


def universal(chunk: LogChunk, number: int) -> list[LogChunk]:
    return [replace(chunk, data=chunk.data.replace(b"\r\n", b"\n"))]


def no_colours(chunk: LogChunk, number: int) -> list[LogChunk]:
    return [replace(chunk, data=chunk.data.replace(b"\x1b[0m", b""))]


def no_nul(chunk: LogChunk, number: int) -> list[LogChunk]:
    return [replace(chunk, data=chunk.data.replace(b"\0", b""))]


def later_from_zero(chunk: LogChunk, number: int) -> list[LogChunk]:
    return [replace(chunk, offset=0)]


class LogsIgnoreTheOffset(ProcessRun):
    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        async for chunk in super().logs(0):
            yield replace(chunk, offset=chunk.offset + offset)


class LogsRaiseAtTheEnd(ProcessRun):
    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        async for chunk in super().logs(offset):
            yield chunk
        raise Unreachable("the stream was closed")


class LogsRaiseWhenCancelled(ProcessRun):
    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        async for chunk in super().logs(offset):
            yield chunk
        if (await self.status()).state is RunState.STOPPED:
            raise RunLost("the run is gone")


class LogsSwallowCancellation(ProcessRun):
    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        while not (await self.status()).state.ended:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.05)
        async for chunk in super().logs(offset):
            yield chunk


class LogsEndWhenGivenUp(ProcessRun):
    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        try:
            async for chunk in super().logs(offset):
                yield chunk
        except BaseException:  # noqa: BLE001 - the defect
            return


class LogsOfTheSilentRaise(ProcessRun):
    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        async for chunk in super().logs(offset):
            yield chunk
        if not await run_sync(self._dir.read_log, 0, 1):
            raise FileNotFoundError("no output")


class LogsNeverEnd(ProcessRun):
    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        async for chunk in super().logs(offset):
            yield chunk
        await anyio.sleep_forever()


class LogsOnce(ProcessRun):
    """A second reader gets what the first one left."""

    read: ClassVar[dict[str, int]] = {}

    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        if self.read.get(self.ref) and offset == 0:
            return
        self.read[self.ref] = 1
        async for chunk in super().logs(offset):
            yield chunk


class LogsKeepFilesOpen(ProcessRun):
    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        os.open(os.devnull, os.O_RDONLY)
        async for chunk in super().logs(offset):
            yield chunk


class LogsLeaveAThread(ProcessRun):
    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        async for chunk in super().logs(offset):
            yield chunk


class LogsBlock(ProcessRun):
    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        time.sleep(1.5)
        async for chunk in super().logs(offset):
            yield chunk


class LogsMixed(ProcessRun):
    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        self._dir = DIR_OF_FIRST.setdefault(Path(self.ref).parent, self._dir)
        async for chunk in super().logs(offset):
            yield chunk


DIR_OF_FIRST: dict[Path, Any] = {}
