"""A queue's config: a CreateTrainingJob request, in each form in which it may be written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from launchkit.errors import Rejected
from launchkit.model import Json
from launchkit.plain_text import shortened
from launchkit.runners.fitting import Problems, Shape, below, fitted, is_open, member_named
from launchkit_aws.sagemaker.names import name_problem
from launchkit_aws.sagemaker.shape import IGNORED, OWN, request_shape

WRAPPER = "sagemaker"
WHERE = "resource_args"
OWN_TAGS = 9
"""Tags that launchkit adds: six of whose run it is, W&B's, and two for its end."""
MAX_TAGS = 50
REQUIRED = ("RoleArn", "OutputDataConfig", "ResourceConfig", "StoppingCondition")
RESERVED = ("aws:", "launchkit:")
NO_CHECKPOINTS = (
    "EnableManagedSpotTraining without CheckpointConfig: each interruption begins training anew, so"
    " that a long one may never end; write checkpoints to /opt/ml/checkpoints, and name an S3Uri"
)
_HINT = "launchkit queue template sagemaker prints a config to begin with"


@dataclass(frozen=True, kw_only=True)
class QueueArgs:
    """The request that a queue's config describes."""

    body: Mapping[str, Any] = field(default_factory=dict)
    """In CamelCase."""
    mirror_image: bool = False

    @property
    def image(self) -> str | None:
        """The image that the config itself names."""
        return self.algorithm.get("TrainingImage")

    @property
    def role(self) -> str:
        """The job's role, by its ARN or by its name alone."""
        return str(self.body.get("RoleArn", ""))

    @property
    def algorithm(self) -> Mapping[str, Any]:
        """What the config says of the image and how it is started."""
        found: Mapping[str, Any] = self.body.get("AlgorithmSpecification", {})
        return found

    @property
    def is_spot(self) -> bool:
        """Whether it is to run on spot instances."""
        return self.body.get("EnableManagedSpotTraining") is True

    @property
    def warnings(self) -> tuple[str, ...]:
        """What its author should know about it."""
        if self.is_spot and not self.body.get("CheckpointConfig", {}).get("S3Uri"):
            return (NO_CHECKPOINTS,)
        return ()


def check_args(args: Json) -> None:
    """Look at a queue's config. :raises Rejected: naming each field that is wrong, with its path.

    What holds a macro or a template variable is looked at when it is filled.
    """
    parse_args(args)


def parse_args(args: Json) -> QueueArgs:
    """Read a queue's config. A wrapping key `sagemaker` may be there or not.

    :raises Rejected: naming each field that is wrong, with its path.
    """
    where, data = WHERE, args
    if set(args) == {WRAPPER}:
        where, inner = f"{WHERE}.{WRAPPER}", args[WRAPPER] or {}
        data = inner if isinstance(inner, Mapping) else args
    if data is args and set(args) == {WRAPPER}:
        raise Rejected(f"{where}: must be a mapping")
    problems = Problems()
    given = {key: value for key, value in data.items() if key not in IGNORED}
    shape: dict[str, Any] = dict(request_shape())
    shape["properties"] = {**shape["properties"], **OWN}
    body: dict[str, Any] = fitted(given, shape, where, problems)
    own = {key: body.pop(key) for key in OWN if key in body}
    is_shaped = not problems.lines
    for line, what in _missing(body, where):
        problems.tell(line, what)
    if is_shaped:
        for line, what in _contradictions(body, _spelled(given, shape, where)):
            problems.tell(line, what)
    if problems.lines:
        raise Rejected("\n".join(dict.fromkeys(problems.lines)), hint=_HINT)
    return QueueArgs(body=body, mirror_image=own.get("mirror_image") is True)


def _spelled(given: Mapping[Any, Any], shape: Shape, where: str) -> Mapping[str, str]:
    """The paths of the keys at the top, as they are written."""
    named = {
        member_named(key, shape["properties"]): below(where, key)
        for key in given
        if isinstance(key, str)
    }
    return {name: named.get(name, below(where, name)) for name in shape["properties"]}


def _missing(body: Mapping[str, Any], where: str) -> Iterator[tuple[str, str]]:
    """What SageMaker cannot do without."""
    needed = [key for key in REQUIRED if key != "ResourceConfig" or not _is_serverless(body)]
    for key in needed:
        if not body.get(key):
            path = f"{key}.S3OutputPath" if key == "OutputDataConfig" else key
            yield below(where, path), "is missing; SageMaker needs it"


def _is_serverless(body: Mapping[str, Any]) -> bool:
    return bool(body.get("ServerlessJobConfig"))


def _contradictions(body: Mapping[str, Any], paths: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What SageMaker, or launchkit, would refuse although each field by itself is right."""
    name = body.get("TrainingJobName")
    if isinstance(name, str) and not is_open(name) and (problem := name_problem(name)):
        yield paths["TrainingJobName"], f"{problem}; leave it out, or write train-${{run_id}}"
    algorithm = body.get("AlgorithmSpecification")
    if isinstance(algorithm, Mapping) and {"TrainingImage", "AlgorithmName"} <= {*algorithm}:
        yield paths["AlgorithmSpecification"], "has TrainingImage and AlgorithmName: name one"
    tags = body.get("Tags", [])
    if len(tags) > MAX_TAGS - OWN_TAGS:
        most = MAX_TAGS - OWN_TAGS
        yield paths["Tags"], f"has {len(tags)} tags; {most} are the most beside launchkit's own"
    for i, tag in enumerate(tags):
        key = tag.get("Key") if isinstance(tag, Mapping) else None
        if isinstance(key, str) and key.lower().startswith(RESERVED):
            yield f"{paths['Tags']}[{i}].Key", f"{shortened(repr(key), 100)} is not for queues"
    yield from _spot(body, paths)


def _spot(body: Mapping[str, Any], paths: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    condition = body.get("StoppingCondition")
    if body.get("EnableManagedSpotTraining") is not True or not isinstance(condition, Mapping):
        return
    run, wait = condition.get("MaxRuntimeInSeconds"), condition.get("MaxWaitTimeInSeconds")
    path = below(paths["StoppingCondition"], "MaxWaitTimeInSeconds")
    if wait is None:
        yield path, "is missing; spot instances need it"
    elif isinstance(run, int) and isinstance(wait, int) and wait < run:
        yield path, f"{wait} is less than MaxRuntimeInSeconds, {run}"
