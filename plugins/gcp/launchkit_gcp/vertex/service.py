"""The runs of one agent at Vertex AI: prepared, submitted and found again."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import anyio

from launchkit.abc import Finding, Output, Run, Site
from launchkit.aio.background import attend
from launchkit.aio.carried_through import last_chance
from launchkit.aio.retry import Backoff, long_enough, pauses
from launchkit.errors import Elsewhere, NotYet, RunLost, SubmitError
from launchkit.model import Secret, Submission
from launchkit.runners.markers import Markers
from launchkit.runners.quotas import LOGIN, Quotas
from launchkit_gcp.environment import GcpEnvironment
from launchkit_gcp.errors import GcpAway, GcpError, GcpRefused
from launchkit_gcp.vertex import jobs
from launchkit_gcp.vertex.api import (
    PATIENT,
    WITH_LOGIN,
    VertexApi,
    is_login,
)
from launchkit_gcp.vertex.args import QueueArgs, parse_args
from launchkit_gcp.vertex.buckets import check_bucket
from launchkit_gcp.vertex.checks import findings, queue_findings
from launchkit_gcp.vertex.grpc_errors import NO_ROOM
from launchkit_gcp.vertex.images import is_google
from launchkit_gcp.vertex.kinds import kind_of
from launchkit_gcp.vertex.links import jobs_link
from launchkit_gcp.vertex.log_reader import LogReader
from launchkit_gcp.vertex.names import RUN, Ref
from launchkit_gcp.vertex.public import check_public
from launchkit_gcp.vertex.regions import Regions
from launchkit_gcp.vertex.request import RequestContext, is_replaced, ref_of, request_of, started_by
from launchkit_gcp.vertex.run import OVER, VertexRun
from launchkit_gcp.vertex.runner import VertexRunner
from launchkit_gcp.vertex.view import JobView

DENIED_HINT = (
    "`launchkit doctor` prints the commands that grant what the agent lacks; to act as the account"
    " of run.service_account is what is often forgotten"
)
AGAIN = Backoff(first=1.0, cap=10.0, jitter=0.2)
"""The pauses before it is looked again whether a job was made."""


async def open_runs(
    stack: AsyncExitStack, site: Site, runner: VertexRunner, environment: GcpEnvironment
) -> "RunService":
    """Open Vertex AI, which need not answer yet."""
    service = RunService(stack, site, runner, environment)
    attend(stack, site.tasks, service.reader.run, name="Cloud Logging")
    return service


class RunService:
    """What the runner works with once Vertex AI is open."""

    def __init__(
        self,
        stack: AsyncExitStack,
        site: Site,
        runner: VertexRunner,
        environment: GcpEnvironment,
    ) -> None:
        self._site = site
        self._environment = environment
        self.reader = LogReader(environment, runner.log_rate)
        self._markers = Markers(site.state_dir / "vertex")
        self._regions = Regions(stack, site, runner, environment, self.reader, self._markers)
        self._quotas = Quotas()
        self._turns: dict[str, anyio.Lock] = {}
        """By ref, of those that are submitted now."""
        self._said: set[str] = set()
        """The names of launches to whose authors all was said that is to be said before."""

    async def findings(self) -> Sequence[Finding]:
        """Whether Vertex AI answers, and what the agent and Vertex AI itself lack."""
        api = self._regions.place(self._environment.region).api
        return await findings(api, self._environment, self._site.registry)

    async def queue_findings(self, args: QueueArgs) -> Sequence[Finding]:
        """Whether a queue's bucket is where its jobs are, and they may be who they are to be."""
        return await queue_findings(args, self._environment)

    async def prepare(self, submission: Submission, out: Output) -> None:
        """Look whether Vertex AI would take it, and wait while a quota is used up.

        :raises SubmitError: if it would not.
        """
        ref, request = self._asked(submission)
        if submission.name not in self._said:
            args = parse_args(submission.resource_args, is_filled=True)
            args = args.of_attempt(submission.launch.attempt)
            if said := await check_bucket(self._environment, args.bucket, ref.region):
                await out.say(said)
            await _check_images(args, submission, out)
            await _say(args, submission, out)
            shown = request["display_name"]
            await out.say(f"{jobs_link(ref.project)} has its job, {shown!r}, in {ref.region}")
            self._said.add(submission.name)
        await self._quotas.wait(LOGIN, out)
        await self._quotas.wait(kind_of(request), out)

    def release(self, submission: Submission) -> None:
        """Forget what was prepared."""
        self._said.discard(submission.name)

    async def submit(self, submission: Submission) -> Run:
        """Create the job, unless it is there.

        :raises NotYet: if a quota is used up, or the agent has no credentials that count.
        :raises SubmitError: if Vertex AI refuses.
        """
        ref, request = self._asked(submission)
        kind, place = kind_of(request), self._regions.place(ref.region)
        async with self._turn(str(ref)):
            with self._refused(kind):
                job = await _made(place.api, ref, request)
        self._quotas.went_well(LOGIN)
        self._quotas.went_well(kind)
        self.release(submission)
        return VertexRun(ref, job, place)

    async def attach(self, text: str, run: str | None) -> Run:
        """Find a job again, whose label tells this *run* if it is known.

        :raises RunLost: if it is gone, or is not a run's.
        :raises Elsewhere: if it is in another project, or a region where nothing may be looked at.
        """
        ref = Ref.parse(text)
        if ref.project != (ours := self._environment.project):
            raise Elsewhere(
                f"{text} is a run in {ref.project}, and this agent's are in {ours}",
                hint="give the runner gcp-vertex that project, or let an agent there go on with it",
            )
        if await self._markers.has(text, OVER):
            raise RunLost(f"the run {text} is over, and its end was stored")
        async with self._regions.looked_at(ref.region) as api:
            job = await jobs.found(api, ref, run)
        if job is None:
            raise RunLost(f"Vertex AI in {ref.region} has no job of the run {text}")
        return VertexRun(ref, job, self._regions.place(ref.region))

    @asynccontextmanager
    async def _turn(self, ref: str) -> AsyncIterator[None]:
        """One try to submit a launch at a time."""
        turn = self._turns.setdefault(ref, anyio.Lock())
        try:
            async with turn:
                yield
        finally:
            if not turn.locked() and not turn.statistics().tasks_waiting:
                self._turns.pop(ref, None)

    @contextmanager
    def _refused(self, kind: str) -> Iterator[None]:
        """Tell apart what may work later, and what never will."""
        try:
            yield
        except GcpRefused as exc:
            if NO_ROOM in exc.said:
                self._quotas.refused(kind, exc.said)
                raise NotYet(exc.message, hint=exc.hint) from exc
            if exc.expired:
                self._quotas.refused(LOGIN, exc.message)
                raise NotYet(exc.message, hint=exc.hint) from exc
            hint = DENIED_HINT if exc.denied else exc.hint
            raise SubmitError(exc.message, hint=hint) from exc
        except GcpError as exc:
            if is_login(exc):
                self._quotas.refused(LOGIN, exc.message)
                raise NotYet(exc.message, hint=exc.hint) from exc
            raise SubmitError(exc.message, hint=exc.hint) from exc

    def _asked(self, submission: Submission) -> tuple[Ref, dict[str, Any]]:
        """Where a run is to be, and its job."""
        args, at = parse_args(submission.resource_args, is_filled=True), self._environment
        context = RequestContext(agent=self._site.agent, project=at.project, region=at.region)
        ref = ref_of(args, submission, at.project, at.region)
        return ref, request_of(args, submission, context)


async def _made(api: VertexApi, ref: Ref, request: Mapping[str, Any]) -> JobView:
    """The job of an attempt: the one that is there, or a new one.

    Vertex AI makes a job for each request, so that none is made again before it was looked
    whether the last one has made one; and after it, whether something on the way has repeated
    it.
    """
    unsure, run = False, request["labels"][RUN]
    for pause in pauses(AGAIN):
        if job := await jobs.found(api, ref, run, PATIENT if unsure else WITH_LOGIN):
            return job
        if not unsure:
            await last_chance()
        try:
            made = await api.create(request)
            api.trouble.over()
        except GcpError as exc:
            is_away = isinstance(exc, GcpAway)
            if not is_away and not (unsure and is_login(exc)):
                raise
            unsure = unsure or not (isinstance(exc, GcpAway) and exc.throttled)
            api.trouble.tell(exc)
            await anyio.sleep(long_enough(pause, exc))
        else:
            return await jobs.found(api, ref, run) or made
    raise AssertionError  # the pauses never end


async def _say(args: QueueArgs, submission: Submission, out: Output) -> None:
    """What the author of a launch should know before it starts."""
    for warning in args.warnings:
        await out.say(warning)
    image = submission.image.ref if submission.image else None
    if image and all(is_replaced(pool, submission) for pool in args.pools):
        await out.say(f"the queue config names each image that runs, and none is the job's {image}")
    if secrets := [key for key, value in submission.env.items() if isinstance(value, Secret)]:
        await out.say(f"who may look at the job reads its variables: {', '.join(secrets)}")


async def _check_images(args: QueueArgs, submission: Submission, out: Output) -> None:
    """Look whether Vertex AI can have the images that are not in Google's registries.

    :raises SubmitError: if it cannot.
    """
    images = {started_by(pool, submission).image for pool in args.pools}
    for image in sorted(images):
        if not is_google(image) and (said := await check_public(image)):
            await out.say(said)
