"""The program of one life: it does with a runner or builder what an agent does, and tells how far
it has come. It is run by its path and imports nothing of `launchkit.testing`, which takes long.
"""

import asyncio
import os
import pickle
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Any

sys.path[:] = (ORDER := pickle.load(sys.stdin.buffer))["path"]  # noqa: S301 - our own parent's
COMPONENT_AND_ASKED = pickle.loads(ORDER["things"])  # noqa: S301 - as above

import anyio  # noqa: E402 - found by the path that was told

from launchkit.abc import Builder, Component, Output, Run, Runner, Site  # noqa: E402 - as above
from launchkit.model import BuildRequest, RunState, Submission  # noqa: E402 - as above

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
FILES = frozenset(
    f"os.{name}" for name in ("mkdir", "rename", "remove", "rmdir", "link", "symlink", "truncate")
)
PROCESSES = frozenset(
    {"os.kill", "os.killpg", "signal.pthread_kill", "os.posix_spawn", "subprocess.Popen"}
)


class Nobody(Output):
    """Nobody reads it."""

    async def __call__(self, data: bytes) -> None:
        pass


def say(word: str, text: str) -> None:
    """Tell the parent; nothing of it is lost in a crash."""
    os.write(1, f"{word} {text}\n".encode(errors="replace"))


def reach(step: str) -> None:
    """Tell that a step is done, and die if it is the last."""
    say("told", step)
    if ORDER["fatal"] == step:
        os.kill(os.getpid(), signal.SIGKILL)


class Watch:
    """Sees what is asked of the operating system, by Python's audit events, which come before it
    is done; kills this process at the first of one kind.
    See https://docs.python.org/3/library/audit_events.html.
    """

    def __init__(self, places: Sequence[str], fatal: str | None) -> None:
        self.places = tuple(places)
        self.fatal = fatal
        self.dying = False

    def look(self, event: str, args: tuple[Any, ...]) -> None:
        kind = self._kind(event, args)
        if kind is None or self.dying:
            return
        say("asked", kind)
        if kind == self.fatal:
            self.dying = True
            os.kill(os.getpid(), signal.SIGKILL)

    def _kind(self, event: str, args: tuple[Any, ...]) -> str | None:
        if event in PROCESSES:
            return event
        if event == "open" and isinstance(args[2], int) and not args[2] & WRITES:
            return None
        if event != "open" and event not in FILES:
            return None
        for path in paths_of(event, args):
            for place in self.places:
                if path.startswith(place):
                    return f"{event} {re.sub('[0-9a-f]{8,}', '*', path[len(place) :])}"
        return None


def paths_of(event: str, args: tuple[Any, ...]) -> Sequence[str]:
    """The paths that an event is about, also where they are relative to an open directory."""
    given = [os.fsdecode(arg) for arg in args[:2] if isinstance(arg, (str, bytes, os.PathLike))]
    if event in {"os.remove", "os.rmdir", "os.mkdir"} and args[-1] >= 0:
        return [str(Path(f"/proc/self/fd/{args[-1]}").readlink() / path) for path in given]
    return given


async def live(order: Mapping[str, Any], component: Component, asked: Any) -> None:
    """Start it, and do what it is for."""
    folder: Path = order["folder"]
    async with anyio.create_task_group() as tasks, AsyncExitStack() as stack:
        site = Site(
            agent=order["agent"],
            name="here",
            state_dir=folder / "state",
            cache_dir=folder / "cache",
            tasks=tasks,
        )
        await component.start(stack, site)
        if isinstance(component, Builder):
            await build(component, asked)
        elif isinstance(component, Runner):
            await run(component, asked, cancels=order["does"] == "cancel")
        tasks.cancel_scope.cancel()


async def build(builder: Builder, request: BuildRequest) -> None:
    """Build, and tell what the image is called."""
    image = await builder.build(request, Nobody())
    say("told", image.ref)


async def run(runner: Runner, submission: Submission, *, cancels: bool) -> None:
    """From the preparation to the removal."""
    await runner.prepare(submission, Nobody())
    run = await runner.submit(submission)
    reach("submitted")
    await (cancel(run) if cancels else end(run))
    reach("ended")
    await run.aclose()
    reach("closed")


async def end(run: Run) -> None:
    """Wait for its end, and read what it has printed."""
    status = await run.status()
    while not status.state.ended:
        status = await run.changed(status)
    async with aclosing(run.logs(0)) as chunks:
        async for _ in chunks:
            pass


async def cancel(run: Run) -> None:
    """End it as soon as it runs."""
    status = await run.status()
    while status.state is RunState.STARTING:
        status = await run.changed(status)
    await run.cancel(5)


if __name__ == "__main__":
    if ORDER["places"]:
        sys.addaudithook(Watch(ORDER["places"], ORDER["fatal"]).look)
    asyncio.run(live(ORDER, *COMPONENT_AND_ASKED))
