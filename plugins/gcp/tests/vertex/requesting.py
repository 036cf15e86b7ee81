"""Submissions as the agent makes them, and the jobs that they become."""

from typing import Any

import pytest
from launchkit_gcp.vertex.api import custom_job
from launchkit_gcp.vertex.args import check_args, parse_args
from launchkit_gcp.vertex.request import RequestContext, request_of
from launchkit_gcp.vertex.runner import VertexRunner

from launchkit.abc import Policy
from launchkit.errors import Rejected
from launchkit.model import Image, ImageSource, Submission
from launchkit.resolving.bind import AgentSide, bind
from launchkit.testing import make_launch

from .beside import PROJECT, REGION
from .making import IMAGE
from .rules import job_faults

CONTEXT = RequestContext(agent="a", project=PROJECT, region=REGION)


def bound(given: dict[str, Any], /, *, image: str | None = IMAGE, **fields: Any) -> Submission:
    """A submission as the agent makes it, with macros filled and all variables."""
    source = ImageSource(image=IMAGE)
    launch = make_launch(resource="gcp-vertex", source=source, resource_args=given, **fields)
    agent = AgentSide(policy=Policy(), environ={}, extra_env={})
    made = Image(ref=image) if image else None
    return bind(launch, image=made, code=None, runner=VertexRunner, agent=agent).submission


def request(one: Submission, **context: Any) -> dict[str, Any]:
    """The request, which the proto and Vertex AI take."""
    args = parse_args(one.resource_args, is_filled=True)
    made = request_of(args, one, CONTEXT, **context)
    assert [*job_faults(custom_job(made))] == []
    return made


def pools(one: Submission) -> Any:
    """Its worker pools."""
    return request(one)["job_spec"]["worker_pool_specs"]


def refused(args: Any) -> list[str]:
    """The lines with which a config is refused."""
    with pytest.raises(Rejected) as caught:
        check_args(args)
    return caught.value.message.splitlines()
