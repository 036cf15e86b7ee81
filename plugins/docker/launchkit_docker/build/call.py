"""One build by the Engine: the context goes in as a stream, what it prints comes out as one."""

import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from textwrap import shorten
from typing import TypeAlias

import anyio
from aiodocker import Docker
from anyio.streams.memory import MemoryObjectSendStream
from anyio.to_thread import run_sync

from launchkit.abc import Output
from launchkit.errors import unwrapped
from launchkit.images.build_plan import BuildPlan
from launchkit.images.context import tar_chunks
from launchkit_docker.build.buildkit_log import BuildKitLog
from launchkit_docker.build.log import BuildLog
from launchkit_docker.engine.messages import follow, posted
from launchkit_docker.images.store import find

LABEL = "launchkit.built"
TAR = {"Content-Type": "application/x-tar"}
CHUNKS_AHEAD = 2
Log: TypeAlias = BuildLog | BuildKitLog
BUILDKIT = "2"
MARK_CHARACTERS = 160


@dataclass(frozen=True, kw_only=True)
class BuildCall:
    """What is to be built; the Engine has its base images."""

    plan: BuildPlan
    ref: str
    platform: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    buildkit: bool = False

    def params(self) -> dict[str, str]:
        """The parameters of the Engine's call."""
        params = {
            "t": self.ref,
            "dockerfile": self.plan.dockerfile_name,
            "buildargs": json.dumps(dict(self.build_args)),
            "labels": json.dumps({LABEL: "1"}),
            "rm": "1",
            "forcerm": "1",
        }
        if self.platform:
            params["platform"] = self.platform
        return params | ({"version": BUILDKIT} if self.buildkit else {})

    def chunks(self) -> Iterator[bytes]:
        """What is sent."""
        if self.buildkit:
            yield _plain_entry()
        yield from tar_chunks(self.plan)


async def build(engine: Docker, call: BuildCall, log: Log, out: Output) -> None:
    """Build and name the image; if cancelled, the Engine ends the build and tidies up.

    :raises BuildError: with the step that failed and the last lines that it printed.
    """
    send, receive = anyio.create_memory_object_stream[bytes](CHUNKS_AHEAD)
    with send, receive, unwrapped():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_feed, call.chunks(), send)
            async with posted(
                engine, "build", params=call.params(), headers=TAR, data=receive
            ) as response:
                await follow(response, log.take, _Steps(log, out))
            tasks.cancel_scope.cancel()
    if await find(engine, call.ref) is None:
        raise log.failure("the Engine ended the build without an image")


class _Steps(Output):
    """Marks each step of a build that begins, beside what is printed."""

    def __init__(self, log: Log, out: Output) -> None:
        self._log = log
        self._out = out
        self._marked = 0

    async def __call__(self, data: bytes) -> None:
        """Pass it on."""
        await self._out(data)
        for step in self._log.begun[self._marked :]:
            self._marked += 1
            await self._out.mark(shorten(step, MARK_CHARACTERS, placeholder=" …"))


def _plain_entry() -> bytes:
    """What must come first: a tar that begins with a long name BuildKit takes for a Dockerfile."""
    root = tarfile.TarInfo("./")
    root.type, root.mode = tarfile.DIRTYPE, 0o755
    return root.tobuf()


async def _feed(chunks: Iterator[bytes], send: MemoryObjectSendStream[bytes]) -> None:
    """Send all chunks. Only a context that is whole is ended: else it might pass for whole."""
    while (chunk := await run_sync(next, chunks, None)) is not None:
        await send.send(chunk)
    send.close()
