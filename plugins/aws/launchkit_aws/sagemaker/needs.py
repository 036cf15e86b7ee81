"""What the agent's policy has to allow for training jobs."""

from collections.abc import Sequence

from launchkit_aws.place import AwsPlace
from launchkit_aws.rights import Need
from launchkit_aws.sagemaker.logs import GROUP

ON_JOBS = tuple(
    f"sagemaker:{one}"
    for one in (
        *("CreateTrainingJob", "DescribeTrainingJob", "StopTrainingJob", "AddTags", "ListTags"),
    )
)
ON_LOGS = ("logs:DescribeLogStreams", "logs:GetLogEvents")


def needs_of(place: AwsPlace, account: str) -> Sequence[Need]:
    """All but that of a queue's role."""
    at = f"{place.region}:{account}"
    partition = place.partition.name
    return (
        Need(actions=ON_JOBS, resource=f"arn:{partition}:sagemaker:{at}:training-job/*"),
        Need(actions=("sagemaker:ListTrainingJobs",)),
        Need(actions=ON_LOGS, resource=f"arn:{partition}:logs:{at}:log-group:{GROUP}:*"),
    )


def role_need(arn: str) -> Need:
    """To give a training job its role, and nobody else."""
    service = (("iam:PassedToService", "sagemaker.amazonaws.com"),)
    return Need(actions=("iam:PassRole",), resource=arn, conditions=service)
