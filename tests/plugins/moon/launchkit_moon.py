"""A plugin that the core has never heard of: everything of the moon."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import DEVNULL, STDOUT
from typing import Any, ClassVar

import anyio
from anyio.abc import Process

from launchkit.abc import Builder, Environment, Output, Policy, Registry, Run, Runner, Site
from launchkit.codec import below, decode
from launchkit.errors import ConfigError, Rejected, SubmitError
from launchkit.hookspecs import hookimpl
from launchkit.json_schema import json_schema
from launchkit.model import (
    BuildRequest,
    Image,
    Json,
    LogChunk,
    RunState,
    RunStatus,
    Secret,
    Submission,
)
from launchkit.runners.verdicts import of_exit, status_of


@dataclass(kw_only=True)
class MoonEnvironment(Environment):
    kind = "moon"

    async def upload(self, source: Path, uri: str) -> None:
        raise NotImplementedError


@dataclass(kw_only=True)
class MoonRegistry(Registry):
    kind = "moon"
    hosts = (r"[a-z]+[.]crater[.]example",)
    uri: str
    token: Secret | None = None

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        site.require(MoonEnvironment, self)

    def image_ref(self, tag: str) -> str:
        return f"{self.uri}:{tag}"

    async def exists(self, ref: str) -> bool:
        return False


@dataclass(kw_only=True)
class MoonBuilder(Builder):
    kind = "moon"
    dust_filter: str = "fine"
    """How much dust may get in."""
    _site: Site = field(init=False, repr=False)

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        self._site = site

    async def build(self, request: BuildRequest, out: Output) -> Image:
        assert self._site.registry is not None
        await out(b"lifting off\n")
        return Image(ref=self._site.registry.image_ref(self.dust_filter))


@dataclass(frozen=True, kw_only=True)
class MoonPolicy:
    moon_hours: int = 24


@dataclass(frozen=True, kw_only=True)
class MoonArgs:
    __pydantic_config__: ClassVar = {"extra": "forbid"}

    hours: int = 1
    """How long it may stay."""


def parse(args: Json) -> MoonArgs:
    try:
        return decode(MoonArgs, dict(args), below("resource_args"))
    except ConfigError as exc:
        raise Rejected(exc.message) from exc


class MoonRun(Run):
    """A process, whose output is a file."""

    def __init__(self, ref: str, process: Process, output: Path) -> None:
        self.ref, self._process, self._output = ref, process, output
        self._stopped = False

    async def status(self) -> RunStatus:
        code = self._process.returncode
        if code is None or self._stopped:
            return RunStatus(state=RunState.RUNNING if code is None else RunState.STOPPED)
        return status_of(of_exit(code), code)

    async def changed(self, last: RunStatus) -> RunStatus:
        await self._process.wait()
        return await self.status()

    async def cancel(self, grace: float) -> None:
        if self._process.returncode is None:
            self._stopped = True
            self._process.kill()
            await self._process.wait()

    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        await self._process.wait()
        if data := (await anyio.Path(self._output).read_bytes())[offset:]:
            yield LogChunk(offset=offset, data=data)


@dataclass(kw_only=True)
class MoonRunner(Runner):
    kind = "moon"
    aliases = ("luna",)
    survives_agent = False
    policy_class = MoonPolicy
    base: Path
    """The directory where it lands."""

    @classmethod
    def check_args(cls, args: Json) -> None:
        parse(args)

    @classmethod
    def args_schema(cls) -> dict[str, Any]:
        return json_schema(MoonArgs)

    @classmethod
    def objections(cls, args: Json, policy: Policy) -> Iterable[str]:
        most = policy.part(MoonPolicy).moon_hours
        if parse(args).hours > most:
            yield f"resource_args.hours: more than policy.moon_hours ({most})"

    async def submit(self, submission: Submission) -> Run:
        if submission.image is None:
            raise SubmitError("only images fly to the moon")
        output = self.base / f"{submission.name}.log"
        env = {"PATH": "/usr/bin:/bin", "IMAGE": submission.image.ref, **submission.env}
        with output.open("wb") as log:
            process = await anyio.open_process(
                submission.command, stdin=DEVNULL, stdout=log, stderr=STDOUT, env=env, cwd=self.base
            )
        return MoonRun(submission.name, process, output)


@hookimpl
def launchkit_environments() -> list[type[Environment]]:
    return [MoonEnvironment]


@hookimpl
def launchkit_registries() -> list[type[Registry]]:
    return [MoonRegistry]


@hookimpl
def launchkit_builders() -> list[type[Builder]]:
    return [MoonBuilder]


@hookimpl
def launchkit_runners() -> list[type[Runner]]:
    return [MoonRunner]
