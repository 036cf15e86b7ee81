"""The runs of one agent at SageMaker: prepared, submitted and found again."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import replace
from typing import Any

from launchkit.abc import Finding, Output, Registry, Run, Site, others_run
from launchkit.aio.background import attend
from launchkit.aio.carried_through import last_chance
from launchkit.errors import Elsewhere, NotYet, RunLost, SubmitError
from launchkit.model import Attempt, Secret, Submission
from launchkit.runners.fitting import is_open
from launchkit.runners.identity import AWS
from launchkit.runners.quotas import LOGIN, Quotas
from launchkit_aws.ecr import EcrRegistry
from launchkit_aws.environment import AwsEnvironment
from launchkit_aws.errors import AwsError, AwsRefused
from launchkit_aws.place import AwsPlace
from launchkit_aws.sagemaker import jobs
from launchkit_aws.sagemaker.api import Api, is_login, log, open_api
from launchkit_aws.sagemaker.args import QueueArgs, parse_args
from launchkit_aws.sagemaker.board import Board
from launchkit_aws.sagemaker.images import ecr_host, is_in
from launchkit_aws.sagemaker.kinds import kind_of
from launchkit_aws.sagemaker.links import console_link
from launchkit_aws.sagemaker.logs import GROUP
from launchkit_aws.sagemaker.mirror import mirrored
from launchkit_aws.sagemaker.names import Ref
from launchkit_aws.sagemaker.needs import needs_of, role_need
from launchkit_aws.sagemaker.request import (
    RequestContext,
    is_arn,
    is_replaced,
    request_of,
    role_arn,
    started_by,
)
from launchkit_aws.sagemaker.run import RunPlace, TrainingRun
from launchkit_aws.sagemaker.runner import SageMakerRunner

POLICY_HINT = (
    "`launchkit doctor` prints the statements that the agent's policy lacks; iam:PassRole for the"
    " job's role is one that is often forgotten"
)


async def open_runs(
    stack: AsyncExitStack, site: Site, runner: SageMakerRunner, place: AwsPlace
) -> "RunService":
    """Open SageMaker, which need not answer yet."""
    api = await open_api(stack, place, rate=runner.api_rate, log_rate=runner.log_rate)
    service = RunService(site, runner, api)
    name = f"sagemaker in {place.region}"
    attend(stack, site.tasks, service.board.run, name=name)
    site.watches[name] = service.board.age
    stack.callback(site.watches.pop, name, None)
    return service


def repository_of(registry: Registry | None) -> str | None:
    """The agent's own repository in ECR, if it has one."""
    return registry.place.uri if isinstance(registry, EcrRegistry) else None


class RunService:
    """What the runner works with once SageMaker is open."""

    def __init__(self, site: Site, runner: SageMakerRunner, api: Api) -> None:
        self._agent = site.agent
        self._api = api
        self._region = api.place.region
        self.board = Board(api, runner.poll_seconds)
        self._quotas = Quotas()
        self._registry = site.registry
        self._mirrored: dict[str, str] = {}
        """The copies of images, by the names of submissions."""
        self._said: set[str] = set()
        """The names of launches to whose authors all was said that is to be said before."""
        self._place = RunPlace(
            api=api, board=self.board, agent=site.agent, log_seconds=runner.log_seconds
        )

    async def findings(self, environment: AwsEnvironment) -> Sequence[Finding]:
        """Whether SageMaker answers, and what the agent's policy lacks."""
        subject = f"SageMaker in {self._region}"
        try:
            account = await self._api.check()
        except AwsError as exc:
            return [Finding(level="error", subject=subject, message=exc.message, hint=exc.hint)]
        message = f"answers, for account {account.id}"
        answers = Finding(level="ok", subject=subject, message=message)
        needs = needs_of(self._api.place, account.id)
        return [answers, *await environment.rights(needs, f"{subject}: rights")]

    async def queue_findings(
        self, args: QueueArgs, environment: AwsEnvironment
    ) -> Sequence[Finding]:
        """Whether the agent may give the queue's role to training jobs, if it is told already.

        :raises AwsError: if AWS does not answer.
        """
        if is_open(args.role):
            return ()
        arn = role_arn(args.role, await self._api.check())
        return await environment.rights([role_need(arn)], f"role {args.role}")

    def context(self, submission: Submission) -> RequestContext:
        """What the agent adds to a submission, as far as it is known."""
        return RequestContext(
            agent=self._agent,
            region=self._region,
            account=self._api.account,
            mirrored=self._mirrored.get(submission.name),
            registry=repository_of(self._registry),
            is_prepared=False,
        )

    async def prepare(self, submission: Submission, out: Output) -> None:
        """Look whether SageMaker would take it, and wait while a quota is used up.

        :raises SubmitError: if it would not.
        """
        await self._mirror(submission, out)
        request = await self._prepared(submission, out)
        if submission.name not in self._said:
            await self._say(submission, request, out)
            self._said.add(submission.name)
        await self._quotas.wait(kind_of(request), out)

    async def _prepared(self, submission: Submission, out: Output) -> dict[str, Any]:
        """Its request, once there are credentials that count."""
        while True:
            await self._quotas.wait(LOGIN, out)
            with suppress(NotYet), self._login():
                return await self._request(submission)

    @contextmanager
    def _login(self) -> Iterator[None]:
        """Turn the lack of credentials that count into `NotYet`, and let all launches wait."""
        try:
            yield
        except AwsError as exc:
            if not is_login(exc):
                raise
            self._quotas.refused(LOGIN, exc.message)
            raise NotYet(exc.message, hint=exc.hint) from exc

    def release(self, submission: Submission) -> None:
        """Forget what was prepared."""
        self._said.discard(submission.name)
        self._mirrored.pop(submission.name, None)

    async def submit(self, submission: Submission) -> Run:
        """Create the training job, unless it is there.

        :raises NotYet: if a quota is used up, or the agent has no credentials that count.
        :raises SubmitError: if SageMaker refuses, or the name belongs to somebody else.
        """
        with self._login():
            request = await self._request(submission)
        ref = Ref(self._region, request["TrainingJobName"])
        kind = kind_of(request)
        await last_chance()
        try:
            with self._login():
                await self._api.create(**request)
        except AwsRefused as exc:
            if exc.reason == "ResourceLimitExceeded":
                self._quotas.refused(kind, exc.said)
                raise NotYet(exc.message, hint=exc.hint) from exc
            if exc.reason != "ResourceInUse":
                hint = POLICY_HINT if exc.denied else exc.hint
                raise SubmitError(exc.message, hint=hint) from exc
            await self._adopt(ref, submission)
        except AwsError as exc:
            raise SubmitError(exc.message, hint=exc.hint) from exc
        self._quotas.went_well(LOGIN)
        self._quotas.went_well(kind)
        self.release(submission)
        return TrainingRun(ref, self._place)

    async def require_own(self, text: str, attempt: Attempt) -> None:
        """Look whose job it is. :raises OthersRun: if it is of another run, or nothing tells."""
        ref = Ref.parse(text)
        if ref.region != self._region:
            return  # `attach` tells of it
        try:
            is_own = await self._is_of(await jobs.described(self._api, ref), attempt)
        except AwsRefused as exc:
            if not exc.denied:
                raise
            log.warning("whose run %s is cannot be told: %s", ref, exc)
            is_own = False
        if not is_own:
            raise others_run(text)

    async def _is_of(self, told: Mapping[str, Any], attempt: Attempt) -> bool:
        """Whether a training job is the run of an attempt, as its variables or its tags say."""
        env = told.get("Environment") or {}
        names = ("RUN_ID", "ITEM_ID", "ATTEMPT")
        wanted = [attempt.run_id, attempt.item_id, str(attempt.attempt)]
        if [env.get(f"LAUNCHKIT_{name}") for name in names] == wanted:
            return True
        return AWS.is_of(await jobs.tags(self._api, told["TrainingJobArn"]), attempt)

    async def attach(self, text: str) -> Run:
        """Find a training job again.

        :raises RunLost: if it is gone, or is not a run's.
        :raises Elsewhere: if it is in another region.
        """
        ref = Ref.parse(text)
        if ref.region != self._region:
            raise Elsewhere(
                f"{ref.name} is a training job in {ref.region}, and this agent's are in"
                f" {self._region}",
                hint="give the runner sagemaker that region, or let an agent there go on with it",
            )
        run = TrainingRun(ref, self._place)
        told = await run.described()
        try:
            tags = await jobs.tags(self._api, told["TrainingJobArn"])
        except AwsRefused as exc:
            if not exc.denied:
                raise
            log.warning("whose run %s is cannot be told: %s", ref, exc)
            return run
        if AWS.parse(tags) is None:
            raise RunLost(f"training job {ref.name} is not a run's")
        if jobs.OVER in tags:
            raise RunLost(f"training job {ref.name} is over, and its end was stored")
        return run

    async def _request(self, submission: Submission) -> dict[str, Any]:
        args = parse_args(submission.resource_args)
        if not is_arn(args.role):
            await self._api.identity()
        return request_of(args, submission, replace(self.context(submission), is_prepared=True))

    async def _mirror(self, submission: Submission, out: Output) -> None:
        """Copy its image into the agent's registry, if the queue wants that and it is not in ECR.

        :raises SubmitError: if there is no such registry, or it cannot be copied.
        """
        args = parse_args(submission.resource_args)
        if not args.mirror_image or submission.name in self._mirrored:
            return
        image = started_by(args, submission).image
        if image is None or ecr_host(image) or is_in(image, repository_of(self._registry)):
            return
        if not isinstance(self._registry, EcrRegistry):
            raise SubmitError(
                f"{image} cannot be copied to ECR: the agent has no registry there",
                hint="name one in launch-config.yaml, registry: {type: ecr, uri: …}",
            )
        self._mirrored[submission.name] = await mirrored(image, self._registry, out)

    async def _adopt(self, ref: Ref, submission: Submission) -> None:
        """Take the job that has this name, if it is of this attempt: one of a try without answer.

        :raises SubmitError: if it is somebody else's.
        """
        told = await jobs.described(self._api, ref)
        if await self._is_of(told, submission.launch.which):
            return
        raise SubmitError(
            f"the name {ref.name} is taken by another training job in {ref.region}",
            hint="names are never free again: give each run one of its own, TrainingJobName such as"
            " train-${run_id}, or none",
        )

    async def _say(self, submission: Submission, request: Mapping[str, Any], out: Output) -> None:
        """What the author of a launch should know before it starts."""
        args = parse_args(submission.resource_args)
        for warning in args.warnings:
            await out.say(warning)
        if is_replaced(args, submission) and submission.image:
            named = args.image or args.algorithm.get("AlgorithmName")
            await out.say(f"the queue config runs {named}, not the job's {submission.image.ref}")
        if secrets := [key for key, value in submission.env.items() if isinstance(value, Secret)]:
            await out.say(
                f"who may describe the training job reads its variables: {', '.join(secrets)}"
            )
        name = request["TrainingJobName"]
        await out.say(f"training job {name}: {console_link(self._api.place, name)}")
        await out.say(f"its log: group {GROUP}, streams {name}/…")
