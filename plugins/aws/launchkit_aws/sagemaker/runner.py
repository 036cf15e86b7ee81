"""The runner `sagemaker`: training jobs of Amazon SageMaker."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from launchkit.abc import Finding, Output, Run, Runner, Site
from launchkit.aio.lazy import Lazy
from launchkit.model import Attempt, Json, Submission
from launchkit_aws.environment import AwsEnvironment
from launchkit_aws.place import AwsPlace
from launchkit_aws.sagemaker import shape
from launchkit_aws.sagemaker.args import check_args, parse_args
from launchkit_aws.sagemaker.names import Ref, job_name
from launchkit_aws.sagemaker.request import (
    LONGEST_VALUE,
    RequestContext,
    request_of,
    started_by,
)

if TYPE_CHECKING:
    from launchkit_aws.sagemaker.service import RunService

SERVICE = "launchkit_aws.sagemaker.service"
"""Imported with the first run: the library of AWS takes a second."""


@dataclass(kw_only=True)
class SageMakerRunner(Runner):
    """Runs images as training jobs. They outlive the agent, and any agent of the account finds them
    again.

    AWS is asked with the first run.
    """

    kind: ClassVar[str] = "sagemaker"
    env_max_length: ClassVar[int] = LONGEST_VALUE
    option_keys: ClassVar[frozenset[str]] = shape.OPTION_KEYS

    region: str | None = None
    """Where jobs run; by default in the region of the agent's environment."""
    poll_seconds: Annotated[float, Field(ge=0.05, le=3600)] = 15.0
    """How often the jobs of all runs are listed, at most."""
    api_rate: Annotated[float, Field(ge=0.01, le=100_000)] = 4.0
    """Requests a second to SageMaker: so many that look, and so many that change something."""
    log_rate: Annotated[float, Field(ge=0.01, le=100_000)] = 5.0
    """Requests a second to CloudWatch Logs, for the logs of all runs."""
    log_seconds: Annotated[float, Field(ge=0, le=3600)] = 15.0
    """How long CloudWatch may take after the end of a job to have all that it has printed."""

    _agent: str = field(init=False, repr=False)
    _environment: AwsEnvironment = field(init=False, repr=False)
    _at: AwsPlace = field(init=False, repr=False)
    _service: "Lazy[RunService]" = field(init=False, repr=False)

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        """Remember where it stands; AWS need not answer yet.

        :raises ConfigError: if the agent has no environment of AWS, and this no region.
        """
        self._agent = site.agent
        self._environment = await self._opened(stack, site)
        place = self._environment.place
        self._at = replace(place, region=self.region) if self.region else place
        self._service = Lazy(
            SERVICE, lambda service: service.open_runs(stack, site, self, self._at)
        )

    async def _opened(self, stack: AsyncExitStack, site: Site) -> AwsEnvironment:
        if self.region is None or isinstance(site.environment, AwsEnvironment):
            return site.require(AwsEnvironment, by=self)
        own = AwsEnvironment(region=self.region)
        await own.start(stack, site)
        return own

    async def check(self) -> Sequence[Finding]:
        """Whether SageMaker answers, and what the agent's policy lacks."""
        return await (await self._service.opened()).findings(self._environment)

    async def check_queue(self, args: Json) -> Sequence[Finding]:
        """Whether the agent may give the queue's role to training jobs."""
        service = await self._service.opened()
        return await service.queue_findings(parse_args(args), self._environment)

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
        """The fields of CreateTrainingJob."""
        return shape.schema()

    @classmethod
    def starter_config(cls) -> str:
        """A request with the places to fill in."""
        return shape.STARTER

    @classmethod
    def args_start(cls, submission: Submission) -> bool:
        """Whether they go to an image of the queue, for which nobody named an entry point."""
        args = parse_args(submission.resource_args)
        started = started_by(args, submission)
        given = started.entry_point or args.algorithm.get("ContainerEntrypoint")
        return bool(started.arguments) and not given

    def render(self, submission: Submission) -> Json:
        """The CreateTrainingJob request."""
        context = RequestContext(agent=self._agent, region=self._at.region, is_prepared=False)
        if service := self._service.value:
            context = service.context(submission)
        return request_of(parse_args(submission.resource_args), submission, context, masks=True)

    def ref_of(self, submission: Submission) -> str:
        """Region and name of the training job."""
        given = parse_args(submission.resource_args).body.get("TrainingJobName")
        return str(Ref(self._at.region, job_name(given, submission)))

    async def prepare(self, submission: Submission, out: Output) -> None:
        """Look whether SageMaker would take it, and wait while a quota is used up.

        :raises SubmitError: if it would not.
        """
        await (await self._service.opened()).prepare(submission, out)

    async def release(self, submission: Submission) -> None:
        """Forget what was prepared."""
        if self._service.value is not None:
            self._service.value.release(submission)

    async def submit(self, submission: Submission) -> Run:
        """Create the training job, unless it is there.

        :raises NotYet: if a quota is used up.
        :raises SubmitError: if SageMaker refuses, or the name belongs to somebody else.
        """
        return await (await self._service.opened()).submit(submission)

    async def require_own(self, ref: str, attempt: Attempt) -> None:
        """Look at its variables and tags. :raises OthersRun: if they are of another run."""
        await (await self._service.opened()).require_own(ref, attempt)

    async def attach(self, ref: str) -> Run:
        """Find a training job again.

        :raises RunLost: if it is gone, or *ref* is not a run's.
        :raises Elsewhere: if it is in another region.
        """
        return await (await self._service.opened()).attach(ref)
