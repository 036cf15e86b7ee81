"""The runner `gcp-vertex`: custom jobs of Vertex AI."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from launchkit.abc import Finding, Output, Run, Runner, Site, others_run
from launchkit.aio.lazy import Lazy
from launchkit.model import Attempt, Json, Submission
from launchkit.runners.identity import GCP
from launchkit_gcp.environment import GcpEnvironment
from launchkit_gcp.vertex import shape
from launchkit_gcp.vertex.args import check_args, parse_args
from launchkit_gcp.vertex.names import ATTEMPT, ITEM, RUN, Ref
from launchkit_gcp.vertex.request import (
    RequestContext,
    ref_of,
    request_of,
    started_by,
)

if TYPE_CHECKING:
    from launchkit_gcp.vertex.service import RunService

SERVICE = "launchkit_gcp.vertex.service"
"""Imported with the first run: the library of Vertex AI takes seconds."""


@dataclass(kw_only=True)
class VertexRunner(Runner):
    """Runs images as custom jobs. They outlive the agent, and any agent of the project finds them
    again.

    Vertex AI is asked with the first run.
    """

    kind: ClassVar[str] = "gcp-vertex"
    aliases: ClassVar[tuple[str, ...]] = ("vertex",)
    expanding_keys: ClassVar[frozenset[str]] = frozenset({"env"})
    option_keys: ClassVar[frozenset[str]] = shape.OPTION_KEYS

    project: str | None = None
    """In which jobs run; by default in the project of the agent's environment."""
    region: str | None = None
    """Where jobs run; by default in the region of the agent's environment."""
    endpoint_urls: Mapping[str, str] = field(default_factory=dict)
    """Where services answer that are not Google's own, as the environment has it; stronger than
    what that says."""
    poll_seconds: Annotated[float, Field(ge=0.05, le=3600)] = 15.0
    """How often the jobs of all runs are listed, at most."""
    api_rate: Annotated[float, Field(ge=0.01, le=100_000)] = 4.0
    """Requests a second to Vertex AI: so many that look, and so many that change something."""
    log_rate: Annotated[float, Field(ge=0.01, le=100_000)] = 0.5
    """Requests a second to Cloud Logging, for the logs of all runs."""
    log_seconds: Annotated[float, Field(ge=0, le=3600)] = 15.0
    """How long Cloud Logging may take to have all that a job has printed. So long lines are held
    back, so that late ones come in their order."""

    _agent: str = field(init=False, repr=False)
    _environment: GcpEnvironment = field(init=False, repr=False)
    _service: "Lazy[RunService]" = field(init=False, repr=False)
    _sought: dict[str, str] = field(init=False, repr=False, default_factory=dict)
    """The labels of the run ids of those that are about to be attached to."""

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        """Remember where it stands; Vertex AI need not answer yet.

        :raises ConfigError: if the agent has no environment of Google Cloud.
        """
        self._agent = site.agent
        self._environment = await self._opened(stack, site)
        self._service = Lazy(
            SERVICE, lambda service: service.open_runs(stack, site, self, self._environment)
        )

    async def _opened(self, stack: AsyncExitStack, site: Site) -> GcpEnvironment:
        """The agent's environment, or one of its own where the settings say more."""
        settings = {"project": self.project, "region": self.region}
        chosen: dict[str, Any] = {key: one for key, one in settings.items() if one is not None}
        if isinstance(site.environment, GcpEnvironment) or len(chosen) < len(settings):
            given = site.require(GcpEnvironment, by=self)
            if not chosen and not self.endpoint_urls:
                return given
            urls = {**given.endpoint_urls, **self.endpoint_urls}
            own = replace(given, endpoint_urls=urls, **chosen)
        else:
            own = GcpEnvironment(endpoint_urls=self.endpoint_urls, **chosen)
        await own.start(stack, site)
        return own

    async def check(self) -> Sequence[Finding]:
        """Whether Vertex AI answers, and what the agent lacks."""
        return await (await self._service.opened()).findings()

    async def check_queue(self, args: Json) -> Sequence[Finding]:
        """Whether the staging bucket of a queue is where its jobs are, and they may be who they
        are to be.
        """
        return await (await self._service.opened()).queue_findings(parse_args(args))

    @classmethod
    def harmless_keys(cls, args: Json) -> frozenset[str | tuple[str, ...]]:
        """Machines, and times."""
        return shape.HARMLESS_KEYS

    @classmethod
    def check_args(cls, args: Json) -> None:
        """Look at a queue's config. :raises Rejected: naming each field that is wrong."""
        check_args(args)

    @classmethod
    def args_schema(cls) -> dict[str, Any]:
        """The arguments of CustomJob and of its `run`."""
        return shape.schema()

    @classmethod
    def starter_config(cls) -> str:
        """A config with the places to fill in."""
        return shape.STARTER

    @classmethod
    def args_start(cls, submission: Submission) -> bool:
        """Whether they go to an image of the queue, for which nobody named an entry point."""
        pools = parse_args(submission.resource_args, is_filled=True).pools
        started = [started_by(pool, submission) for pool in pools]
        return any(one.args and not one.command for one in started)

    def render(self, submission: Submission) -> Json:
        """The CustomJob."""
        args = parse_args(submission.resource_args, is_filled=True)
        return request_of(args, submission, self._context(), masks=True)

    def ref_of(self, submission: Submission) -> str:
        """Project and region, and by which labels its job is found."""
        args, at = parse_args(submission.resource_args, is_filled=True), self._environment
        return str(ref_of(args, submission, at.project, at.region))

    async def prepare(self, submission: Submission, out: Output) -> None:
        """Look whether Vertex AI would take it, and wait while a quota is used up.

        :raises SubmitError: if it would not.
        """
        await (await self._service.opened()).prepare(submission, out)

    async def release(self, submission: Submission) -> None:
        """Forget what was prepared."""
        if self._service.value is not None:
            self._service.value.release(submission)

    async def submit(self, submission: Submission) -> Run:
        """Create the job, unless it is there.

        :raises NotYet: if a quota is used up.
        :raises SubmitError: if Vertex AI refuses.
        """
        return await (await self._service.opened()).submit(submission)

    async def require_own(self, ref: str, attempt: Attempt) -> None:
        """A ref says whose it is. :raises OthersRun: if it is of another run."""
        at, wanted = Ref.parse(ref), GCP.exact(attempt)
        if (at.item, at.attempt) != (wanted[ITEM], wanted[ATTEMPT]):
            raise others_run(ref)
        self._sought[ref] = wanted[RUN]

    async def attach(self, ref: str) -> Run:
        """Find a job again.

        :raises RunLost: if it is gone, or *ref* is not a run's.
        :raises Elsewhere: if it is in another project, or a region where nothing may be looked at.
        """
        run = self._sought.pop(ref, None)
        return await (await self._service.opened()).attach(ref, run)

    def _context(self) -> RequestContext:
        at = self._environment
        return RequestContext(agent=self._agent, project=at.project, region=at.region)
