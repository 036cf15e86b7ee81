"""Submissions as the agent makes them, and the requests that they become."""

import json
from typing import Any

import pytest
from botocore.validate import ParamValidator
from launchkit_aws.sagemaker.args import check_args, parse_args
from launchkit_aws.sagemaker.request import (
    Account,
    RequestContext,
    request_of,
)
from launchkit_aws.sagemaker.runner import SageMakerRunner

from launchkit.abc import Policy
from launchkit.errors import Rejected
from launchkit.model import Image, ImageSource, Submission
from launchkit.resolving.bind import AgentSide, bind
from launchkit.testing import make_launch

from ..models import faults, model_of
from .fake import ACCOUNT, REGION
from .making import IMAGE

SEED = json.loads("""{
  "RoleArn": "<REQUIRED>",
  "ResourceConfig": {
      "InstanceType": "ml.m4.xlarge",
      "InstanceCount": 1,
      "VolumeSizeInGB": 2
  },
  "OutputDataConfig": {
      "S3OutputPath": "<REQUIRED>"
  },
  "StoppingCondition": {
      "MaxRuntimeInSeconds": 3600
  }
}""")
CONTEXT = RequestContext(agent="a", region=REGION, account=Account(id=ACCOUNT, partition="aws"))


def bound(
    given: dict[str, Any], /, *, image: str | None = IMAGE, environ: Any = None, **fields: Any
) -> Submission:
    """A submission as the agent makes it, with macros filled and all variables."""
    source = ImageSource(image=IMAGE)
    launch = make_launch(resource="sagemaker", source=source, resource_args=given, **fields)
    agent = AgentSide(policy=Policy(), environ={}, extra_env=environ or {})
    made = Image(ref=image) if image else None
    return bind(launch, image=made, code=None, runner=SageMakerRunner, agent=agent).submission


def request(one: Submission, **context: Any) -> dict[str, Any]:
    """The request, which AWS's model takes."""
    made = request_of(parse_args(one.resource_args), one, CONTEXT, **context)
    shape = model_of("sagemaker").operation_model("CreateTrainingJob").input_shape
    assert not ParamValidator().validate(made, shape).has_errors()
    assert [*faults(shape, made)] == []
    return made


def refused(args: Any) -> list[str]:
    """The lines with which a config is refused."""
    with pytest.raises(Rejected) as caught:
        check_args(args)
    return caught.value.message.splitlines()
