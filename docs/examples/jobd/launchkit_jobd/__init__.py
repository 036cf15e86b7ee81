"""A runner for launchkit: jobs of the service jobd, which outlive the agent."""

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import anyio
from pydantic import Field

from launchkit import hookimpl
from launchkit.abc import Finding, Run, Runner, Site
from launchkit.aio.retry import Backoff, pauses, retry
from launchkit.aio.trouble import Trouble
from launchkit.codec import below, decode
from launchkit.errors import ConfigError, Rejected, RunLost, SubmitError, Unreachable
from launchkit.json_schema import json_schema
from launchkit.model import Json, LogChunk, RunStatus, Secret, Submission
from launchkit.runners.informer import Informer
from launchkit.runners.masking import masked

if TYPE_CHECKING:
    from launchkit_jobd.client import Jobd

STARTER = """\
# What jobd gives a job: small has 2 CPUs and 4 GiB of memory, large has 16 and 128 GiB.
size: small
# deadline: 3600  # seconds after which jobd ends it
"""


@dataclass(frozen=True, kw_only=True)
class JobArgs:
    """The config of a queue."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    size: Literal["small", "large"] = "small"
    """The machine that a job gets."""
    deadline: Annotated[int, Field(ge=1)] | None = None
    """Seconds after which jobd ends a job."""


def parse(args: Json) -> JobArgs:
    """The queue's config. :raises Rejected: naming each key that is wrong."""
    try:
        return decode(JobArgs, dict(args), below("resource_args"))
    except ConfigError as exc:
        raise Rejected(exc.message) from exc


class JobRun(Run):
    """One job; *known* has all of them."""

    def __init__(self, ref: str, jobd: "Jobd", known: Informer[str, RunStatus]) -> None:
        self.ref, self._jobd, self._known = ref, jobd, known

    async def status(self) -> RunStatus:
        return self._found(await self._known.get(self.ref))

    async def changed(self, last: RunStatus) -> RunStatus:
        return self._found(await self._known.changed(self.ref, last))

    async def cancel(self, grace: float) -> None:
        if (await self.status()).state.ended:
            return
        await self._jobd.stop(self.ref, grace)
        for pause in pauses(Backoff(first=0.1, cap=2)):
            if self._found(await self._known.get(self.ref, fresh=True)).state.ended:
                return
            await anyio.sleep(pause)

    async def logs(self, offset: int) -> AsyncGenerator[LogChunk, None]:
        while True:
            begin, ended = offset, (await self.status()).state.ended
            async with aclosing(self._jobd.log(self.ref, offset)) as pieces:
                async for data in pieces:
                    yield LogChunk(offset=offset, data=data)
                    offset += len(data)
            if ended and offset == begin:
                return
            await anyio.sleep(0 if offset > begin else self._known.relist)

    async def aclose(self) -> None:
        with suppress(RunLost):
            if (await self.status()).state.ended:
                await self._jobd.remove(self.ref)

    def _found(self, status: RunStatus | None) -> RunStatus:
        if status is None:
            raise RunLost(f"jobd knows no job {self.ref}")
        return status


@dataclass(kw_only=True)
class JobdRunner(Runner):
    """Runs images at a jobd."""

    kind, aliases = "jobd", ("job-daemon",)
    url: str
    """Where it is."""
    token: Secret | None = None
    poll: float = 2.0
    """Seconds between two looks at all jobs."""
    _jobd: "Jobd" = field(init=False, repr=False)
    _known: Informer[str, RunStatus] = field(init=False, repr=False)
    _trouble: Trouble = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ValueError("url: must begin with http:// or https://")

    @classmethod
    def check_args(cls, args: Json) -> None:
        parse(args)

    @classmethod
    def args_schema(cls) -> dict[str, Any]:
        return json_schema(JobArgs)

    @classmethod
    def starter_config(cls) -> str:
        return STARTER

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        from launchkit_jobd.client import Jobd  # httpx is loaded when a launch needs it

        self._jobd = Jobd(self.url, self.token)
        await stack.enter_async_context(self._jobd.http)
        self._trouble = Trouble(logging.getLogger("launchkit_jobd"), f"jobd at {self.url}")
        self._known = Informer(list_all=self._jobd.jobs, trouble=self._trouble, relist=self.poll)
        site.tasks.start_soon(self._known.run)

    async def check(self) -> Sequence[Finding]:
        try:
            jobs = await self._jobd.jobs()
        except Unreachable as exc:
            return [Finding(level="error", subject=self.url, message=exc.message, hint=exc.hint)]
        return [Finding(level="ok", subject=self.url, message=f"it answers, with {len(jobs)} jobs")]

    def ref_of(self, submission: Submission) -> str:
        return submission.name

    def render(self, submission: Submission) -> Json:
        return {**self._request(submission), "env": masked(submission.env)}

    async def submit(self, submission: Submission) -> Run:
        job = self._request(submission)
        backoff = Backoff(deadline=60)
        await retry(
            lambda: self._jobd.submit(job), on=Unreachable, backoff=backoff, trouble=self._trouble
        )
        return JobRun(submission.name, self._jobd, self._known)

    async def attach(self, ref: str) -> Run:
        if await self._known.get(ref, fresh=True) is None:
            raise RunLost(f"jobd knows no job {ref}")
        return JobRun(ref, self._jobd, self._known)

    def _request(self, submission: Submission) -> Json:
        if submission.image is None:
            raise SubmitError("jobd runs images only", hint="launch an image, or set a builder")
        return {
            "name": submission.name,
            "image": submission.image.ref,
            "command": list(submission.command),
            "env": dict(submission.env),
            **asdict(parse(submission.resource_args)),
        }


@hookimpl
def launchkit_runners() -> list[type[Runner]]:
    """Offer the runner."""
    return [JobdRunner]
