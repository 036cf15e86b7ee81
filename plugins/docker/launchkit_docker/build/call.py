"""One build by the Engine: the context goes in as a stream, what it prints comes out as one."""

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import anyio
from anyio.streams.memory import MemoryObjectSendStream
from anyio.to_thread import run_sync

from launchkit.abc import Output
from launchkit.errors import unwrapped
from launchkit.images.context import tar_chunks
from launchkit.images.maker import PlannedBuild
from launchkit.images.steps import Steps
from launchkit_docker.build.buildkit_log import BuildKitLog
from launchkit_docker.build.log import BuildLog
from launchkit_docker.engine.client import EngineClient
from launchkit_docker.engine.messages import follow
from launchkit_docker.images.store import ImageTooLarge, find, remove

LABEL = "launchkit.built"
TAR = {"Content-Type": "application/x-tar"}
CHUNKS_AHEAD = 2
Log: TypeAlias = BuildLog | BuildKitLog
BUILDKIT = "2"


@dataclass(frozen=True)
class BuildCall:
    """What is to be built, and whether by BuildKit; the Engine has its base images."""

    build: PlannedBuild
    buildkit: bool
    cached: bool = True
    """Whether a step that the Engine has is not done again."""

    def params(self) -> dict[str, str]:
        """The parameters of the Engine's call."""
        params = {
            "t": self.build.target.ref,
            "dockerfile": self.build.plan.dockerfile_name,
            "buildargs": json.dumps(dict(self.build.build_args)),
            "labels": json.dumps({LABEL: "1"}),
            "rm": "1",
            "forcerm": "1",
        }
        if not self.cached:
            params["nocache"] = "1"
        if self.build.platform:
            params["platform"] = self.build.platform
        return params | ({"version": BUILDKIT} if self.buildkit else {})

    def chunks(self) -> Iterator[bytes]:
        """What is sent."""
        if self.buildkit:
            yield _plain_entry()
        yield from tar_chunks(self.build.plan)

    async def run(self, engine: EngineClient, log: Log, out: Output) -> None:
        """Build and name the image; if cancelled, the Engine ends the build and tidies up.

        :raises BuildError: with the step that failed and the last lines that it printed.
        :raises ImageTooLarge: if what was built is; it is removed.
        :raises EngineError: if the Engine does not begin, or hangs up.
        """
        send, receive = anyio.create_memory_object_stream[bytes](CHUNKS_AHEAD)
        with send, receive, unwrapped():
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_feed, self.chunks(), send)
                async with engine.request(
                    "build", "POST", params=self.params(), headers=TAR, data=receive
                ) as response:
                    await follow(response, log.take, _Marking(log, out))
                tasks.cancel_scope.cancel()
        try:
            made = await find(engine, self.build.target.ref)
        except ImageTooLarge:
            await remove(engine, self.build.target.ref)
            raise
        if made is None:
            raise log.failure("the Engine ended the build without an image")


class _Marking(Output):
    """Marks the steps of a build that begin, beside what is printed."""

    def __init__(self, log: Log, out: Output) -> None:
        self._log = log
        self._out = out
        self._steps = Steps(out)

    async def __call__(self, data: bytes) -> None:
        """Pass it on."""
        await self._out(data)
        for step in self._log.begun.news():
            await self._steps.begin(step)


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
