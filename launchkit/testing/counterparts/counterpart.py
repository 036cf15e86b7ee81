"""A life of a run or a build that goes on in a process of its own, and what may end it."""

import os
import pickle
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE, STDOUT
from typing import Literal

import anyio
from anyio.abc import Process

from launchkit.abc import Builder, Runner
from launchkit.model import BuildRequest, Submission

NAMES = re.compile(
    "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{8,}"
    "|(?<=-)[bcdfghjklmnpqrstvwxz2456789]{5}(?![a-z0-9])"
)
"""UUIDs and other hexadecimal numbers, and what Kubernetes appends to names."""
PROGRAM = Path(__file__).with_name("life.py")
KILLED = -9
STEPS = ("submitted", "ended")
"""What the life of a run tells when it has reached it."""


@dataclass(frozen=True)
class Moment:
    """When a process is killed: at its first request of a *kind*, or after one of `STEPS`."""

    kind: str
    when: str
    """`before` it is done, `during` it (it is done, but not answered), or `after` its answer."""

    def __str__(self) -> str:
        return f"{self.when} {self.kind!r}"


@dataclass(frozen=True)
class Life:
    """What one agent does: a run from its preparation to its removal, or a build."""

    component: Runner | Builder
    """Not started. It is pickled."""
    asked: Submission | BuildRequest
    """What it is given."""
    folder: Path
    """Where the directories of its site are."""
    agent: str
    does: Literal["end", "cancel", "build"] = "end"
    """Whether a run ends by itself, or is cancelled as soon as it runs."""

    @property
    def steps(self) -> Sequence[Moment]:
        """The moments at which nothing is asked."""
        return [] if self.does == "build" else [Moment(step, "after") for step in STEPS]

    def order(self, places: Sequence[str] = (), fatal: str | None = None) -> bytes:
        """What the process that lives it is told."""
        order = {
            "path": [path for path in sys.path if path],
            "things": pickle.dumps((self.component, self.asked)),
            "folder": self.folder,
            "agent": self.agent,
            "does": self.does,
            "places": places,
            "fatal": fatal,
        }
        return pickle.dumps(order)


@dataclass(frozen=True)
class Lived:
    """What has become of a life."""

    moments: Sequence[Moment]
    """At which it could have been killed."""
    told: Sequence[str]
    """What it has reached, as an agent stores it: `STEPS`, and at last `closed`; or the reference
    of the image that was built.
    """
    killed: bool


@dataclass(eq=False)
class Living:
    """The process that lives a life, and what it has said."""

    process: Process
    asked: list[str] = field(default_factory=list)
    """The kinds of its requests to the operating system."""
    told: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    async def hear(self, order: bytes) -> bool:
        """Give it the order, and hear all that it says; whether it was killed.

        :raises AssertionError: if it has failed by itself.
        """
        assert self.process.stdin
        assert self.process.stdout
        await self.process.stdin.send(order)
        await self.process.stdin.aclose()
        data = b"".join([data async for data in self.process.stdout])
        for line in data.decode(errors="replace").splitlines():
            word, _, text = line.partition(" ")
            {"asked": self.asked, "told": self.told}.get(word, self.errors).append(
                text if word in {"asked", "told"} else line
            )
        code = await self.process.wait()
        assert code in {0, KILLED}, "a life goes well, but:\n" + "\n".join(self.errors)
        return code == KILLED

    async def kill(self) -> None:
        """End it as a crash does, and return when it has ended."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


class Counterpart(ABC):
    """What stands behind a plugin: it sees the requests of a life, and kills it at one of them."""

    @abstractmethod
    async def live(self, life: Life, moment: Moment | None = None) -> Lived:
        """Have a process live it, which is killed at *moment*.

        :raises AssertionError: if it has failed by itself.
        """


def kind_of(request: str) -> str:
    """A request without what is another one in each life, such as names and random tokens."""
    return NAMES.sub("*", request)


@asynccontextmanager
async def living(env: Mapping[str, str]) -> AsyncIterator[Living]:
    """A process that waits for its order; it does not outlive the context."""
    command = [sys.executable, "-P", str(PROGRAM)]
    async with await anyio.open_process(
        command, stdin=PIPE, stdout=PIPE, stderr=STDOUT, env={**os.environ, **env}
    ) as process:
        one = Living(process)
        try:
            yield one
        finally:
            with anyio.CancelScope(shield=True):
                await one.kill()


def distinct(kinds: Sequence[str]) -> Sequence[str]:
    """Each kind once, in order: those who poll ask the same again and again."""
    return list(dict.fromkeys(kinds))
