"""What a queue's config may hold: the fields of CreateTrainingJob, and a config to begin with."""

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from launchkit.runners.fitting import FILL_IN, Shape
from launchkit.runners.written_forms import form

STARTER = f"""\
# The config of a queue of kind sagemaker: any part of a CreateTrainingJob request. Fill in what is
# {FILL_IN}, and remove the "# " before what you need.

# The role that SageMaker takes to run the job: its ARN, or its name in the agent's account. It is
# not the role of the agent.
RoleArn: {FILL_IN}

ResourceConfig:
  InstanceType: ml.m4.xlarge
  InstanceCount: 1
  VolumeSizeInGB: 2

OutputDataConfig:
  # Where what the job leaves in /opt/ml/model is stored, such as s3://my-bucket/launches.
  S3OutputPath: {FILL_IN}

StoppingCondition:
  MaxRuntimeInSeconds: 3600
  # With spot instances: how long it may take with all waiting.
  # MaxWaitTimeInSeconds: 7200

# EnableManagedSpotTraining: true
# CheckpointConfig:
#   S3Uri: s3://my-bucket/checkpoints
"""
ROLE: Shape = {
    "type": "string",
    "maxLength": 2048,
    "pattern": r"^(?:arn:aws[a-z-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+|[\w+=,.@/-]{1,576})$",
    "description": "The role that SageMaker takes to run the job: its ARN, or its name.",
}
OWN: Mapping[str, Shape] = {
    "mirror_image": {
        "type": "boolean",
        "description": "Copy an image that is not in ECR into the agent's registry.",
    },
}
"""Keys that are launchkit's own."""
OPTION_KEYS = frozenset(
    {"ContainerEntrypoint", "ContainerArguments", "MetricDefinitions", "TrainingImageConfig"}
    | {"CheckpointConfig", "DebugHookConfig", "DebugRuleConfigurations", "Environment"}
    | {"ExperimentConfig", "HyperParameters", "InfraCheckConfig", "InputDataConfig"}
    | {"MlflowConfig", "ModelPackageConfig", "OutputDataConfig", "ProfilerConfig"}
    | {"ProfilerRuleConfigurations", "RemoteDebugConfig", "ResourceConfig", "RetryStrategy"}
    | {"ServerlessJobConfig", "SessionChainingConfig", "StoppingCondition", "Tags"}
    | {"TensorBoardOutputConfig", "VpcConfig"}
)
"""What a word of the policy may name as a whole."""
HARMLESS_KEYS: frozenset[str | tuple[str, ...]] = frozenset(
    {
        "EnableManagedSpotTraining",
        "StoppingCondition",
        "RetryStrategy",
        *(
            ("ResourceConfig", key)
            for key in (
                *("InstanceCount", "InstanceGroups", "InstancePlacementConfig", "InstanceType"),
                *("KeepAlivePeriodInSeconds", "VolumeSizeInGB"),
            )
        ),
    }
)
"""Machines, and times."""
IGNORED = frozenset({"EcrRepoName", "ecr_repo_name", "region", "profile"})
"""Keys that W&B takes and does not send: the agent's environment says these."""


@lru_cache(maxsize=1)
def request_shape() -> Shape:
    """The fields of the request, with those whose values launchkit fills in as people write them.

    It is made from botocore's model; a test tells when that has changed.
    """
    text = files("launchkit_aws.sagemaker").joinpath("create_training_job.json").read_text()
    found: dict[str, Any] = json.loads(text)
    fields = found["properties"]
    fields["RoleArn"] = ROLE
    fields["TrainingJobName"] = {"type": "string", "minLength": 1, "maxLength": 1000}
    del fields["AlgorithmSpecification"]["required"]  # it is filled in
    del found["required"]
    return found


def schema() -> dict[str, Any]:
    """JSON Schema of all forms in which a config may be written."""
    made = form(request_shape())
    made["properties"] |= {key: form(one) for key, one in OWN.items()}
    made["type"] = "object"
    return made
