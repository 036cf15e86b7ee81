"""The CreateTrainingJob request of a submission."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from launchkit.errors import Rejected, SubmitError
from launchkit.model import EnvValues, Launch, Submission
from launchkit.plain_text import shortened
from launchkit.runners.fitting import Problems, fitted
from launchkit.runners.identity import AWS, RunIdentity
from launchkit.runners.masking import masked
from launchkit_aws.sagemaker.args import WHERE, QueueArgs
from launchkit_aws.sagemaker.images import check_image, ecr_host, is_in
from launchkit_aws.sagemaker.names import job_name
from launchkit_aws.sagemaker.shape import request_shape

LONGEST_VALUE = 512
"""Letters of a variable, as SageMaker has it."""
MAX_VARIABLES = 100
WANDB_TAG = "WandbRunId"
"""What W&B's own agent writes."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """Whose jobs they are."""

    id: str
    partition: str


@dataclass(frozen=True, kw_only=True)
class RequestContext:
    """What the agent adds to a submission."""

    agent: str
    region: str
    account: Account | None = None
    """None: it is not known yet, and a bare role name stays as it is."""
    mirrored: str | None = None
    """The copy of its image in the agent's registry."""
    registry: str | None = None
    """The agent's own repository in ECR, which may be reached by another host."""
    is_prepared: bool = True
    """Whether its image is where SageMaker can have it from, if it is to be copied."""


@dataclass(frozen=True, kw_only=True)
class Started:
    """An image, and with what it is started."""

    image: str | None
    entry_point: tuple[str, ...]
    arguments: tuple[str, ...]


def request_of(
    args: QueueArgs, submission: Submission, context: RequestContext, *, masks: bool = False
) -> dict[str, Any]:
    """The request. Where it *masks*, secrets are not in it.

    :raises SubmitError: if SageMaker cannot have the image, or there is none.
    :raises Rejected: naming each field that SageMaker would not take.
    """
    launch = submission.launch
    env = environment(args, submission)
    body = {
        "TrainingJobName": job_name(args.body.get("TrainingJobName"), submission),
        **{key: value for key, value in args.body.items() if key != "TrainingJobName"},
        "RoleArn": role_arn(args.role, context.account),
        "AlgorithmSpecification": algorithm(args, submission, context),
        "Environment": masked(env) if masks else {name: str(value) for name, value in env.items()},
        "Tags": [*args.body.get("Tags", ()), *tags(launch, context.agent)],
    }
    problems = Problems(is_filled=True)
    made: dict[str, Any] = fitted(body, request_shape(), WHERE, problems)
    if problems.lines:
        raise Rejected("\n".join(dict.fromkeys(problems.lines)))
    return made


def is_arn(role: str) -> bool:
    """Whether a role is not given by its name alone."""
    return role.startswith("arn:")


def role_arn(role: str, account: Account | None) -> str:
    """The ARN of a role that may be given by its name alone."""
    if is_arn(role) or account is None:
        return role
    return f"arn:{account.partition}:iam::{account.id}:role/{role.removeprefix('/')}"


def algorithm(args: QueueArgs, submission: Submission, context: RequestContext) -> dict[str, Any]:
    """The part of the request that names the image and what it starts."""
    started = started_by(args, submission)
    if context.mirrored:
        started = replace(started, image=context.mirrored)
    image = started.image
    if image is not None and not is_in(image, context.registry):
        may_be_copied = args.mirror_image and not context.is_prepared
        if not may_be_copied or ecr_host(image) is not None:
            check_image(image, args.algorithm, context.region)
    return merged_algorithm(args.algorithm, started)


def merged_algorithm(given: Mapping[str, Any], started: Started) -> dict[str, Any]:
    """A queue's AlgorithmSpecification with the image of a launch and what it starts."""
    made = {"TrainingInputMode": "File", **given}
    if started.image is not None:
        made["TrainingImage"] = started.image
    if started.entry_point:
        made["ContainerEntrypoint"] = [*started.entry_point]
    if started.arguments:
        made["ContainerArguments"] = [*started.arguments]
    return made


def started_by(args: QueueArgs, submission: Submission) -> Started:
    """The image that runs, and its entry point and arguments.

    An image that the queue config names is run instead of the job's; then the job's entry point is
    not of that image, and only one that the launch itself gives is used.

    :raises SubmitError: if there is no image.
    """
    launch = submission.launch
    job_image = submission.image.ref if submission.image else None
    entry_point, arguments = launch.entry_point, launch.args
    if submission.command != (*entry_point, *arguments):
        entry_point, arguments = submission.command, ()
    if is_replaced(args, submission):
        chosen = launch.origins
        entry_point = entry_point if chosen.get("entry_point") == "launch" else ()
        arguments = arguments if chosen.get("args") == "launch" else ()
        return Started(image=args.image, entry_point=entry_point, arguments=arguments)
    if job_image is None:
        raise SubmitError(
            "there is no image to run",
            hint="launch an image or a job that is built, or name AlgorithmSpecification."
            "TrainingImage or AlgorithmName in the queue config",
        )
    return Started(image=job_image, entry_point=entry_point, arguments=arguments)


def is_replaced(args: QueueArgs, submission: Submission) -> bool:
    """Whether the queue config names what runs, and the job's own image does not."""
    if "AlgorithmName" in args.algorithm:
        return True
    job_image = submission.image.ref if submission.image else None
    return args.image is not None and args.image != job_image


def environment(args: QueueArgs, submission: Submission) -> EnvValues:
    """The variables: those of the queue config are stronger than what every run gets, and weaker
    than those of the job and the launch.

    :raises Rejected: naming each that SageMaker would not take.
    """
    ours = submission.env
    chosen = {name: ours[name] for name in submission.launch.env if name in ours}
    env = {**ours, **submission.without_own(args.body.get("Environment", {})), **chosen}
    if problems := [*_env_problems(env)]:
        hint = "put what is long into a file or an artifact, and give its place"
        raise Rejected("\n".join(problems), hint=hint)
    return env


def _env_problems(env: EnvValues) -> Iterator[str]:
    if len(env) > MAX_VARIABLES:
        yield f"env: there are {len(env)} variables, and SageMaker takes {MAX_VARIABLES}"
    for name, value in env.items():
        if len(value) > LONGEST_VALUE:
            yield (
                f"env.{shortened(name, 100)}: has {len(value)} letters, and SageMaker takes"
                f" {LONGEST_VALUE}"
            )


def tags(launch: Launch, agent: str) -> list[dict[str, str]]:
    """By which a training job tells whose run it is."""
    labels = AWS.labels(RunIdentity.of(launch, agent))
    return [
        {"Key": WANDB_TAG, "Value": AWS.text(launch.run_id)},
        *({"Key": key, "Value": value} for key, value in labels.items()),
    ]
