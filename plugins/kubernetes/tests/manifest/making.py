"""Objects of launches, made without a cluster."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from launchkit_kubernetes.manifest.args import parse_args
from launchkit_kubernetes.manifest.build import BuildContext, Workload, workload_of

from launchkit.model import ImageSource, Submission
from launchkit.testing import make_launch, make_submission

CONTEXT = BuildContext(namespace="default", agent="agent-x")
CHOSEN = {"entry_point": "launch"}


def submission_of(
    config: Mapping[str, Any],
    *entry_point: str,
    args: tuple[str, ...] = (),
    image: str | None = "img:1",
    env: Mapping[str, str] | None = None,
    code: Path | None = None,
    **fields: Any,
) -> Submission:
    """A submission with the config of a queue; *fields* are those of its launch."""
    fields = {"run_id": "r1", "source": ImageSource(image="img:1"), **fields}
    launch = make_launch(entry_point=entry_point, args=args, resource_args=config, **fields)
    return make_submission(
        *entry_point, *args, launch=launch, image=image, env=env or {}, code=code
    )


def workload(
    config: Mapping[str, Any],
    *entry_point: str,
    context: BuildContext = CONTEXT,
    **fields: Any,
) -> Workload:
    """The object that a launch gives, with what belongs to it."""
    made = submission_of(config, *entry_point, **fields)
    return workload_of(parse_args(made.resource_args), made, context)


def body(config: Mapping[str, Any], *entry_point: str, **fields: Any) -> dict[str, Any]:
    """The object that a launch gives."""
    return dict(workload(config, *entry_point, **fields).body)


def pod(made: Mapping[str, Any]) -> dict[str, Any]:
    """The spec of the pods of a Job."""
    found: dict[str, Any] = made["spec"]["template"]["spec"]
    return found


def job(*containers: Mapping[str, Any] | None, **of_pod: Any) -> dict[str, Any]:
    """The config of a queue of Jobs."""
    return {"spec": {"template": {"spec": {"containers": [*containers], **of_pod}}}}


def nested(depth: int) -> Any:
    """A mapping in a mapping in a mapping…"""
    value: Any = {}
    for _ in range(depth):
        value = {"a": value}
    return value
