"""Training jobs, as SageMaker is asked for them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from launchkit.errors import RunLost
from launchkit_aws.errors import AwsRefused
from launchkit_aws.sagemaker.api import Api
from launchkit_aws.sagemaker.names import Ref
from launchkit_aws.sagemaker.status import Stop

STOPPED_BY = "launchkit:stopped-by"
OVER = "launchkit:over"
"""Tags by which later agents know what was done with a job."""
MAX_PAGES = 50
PAGE = 100
_MISSING = ("requested resource not found", "could not find")


async def described(api: Api, ref: Ref) -> Mapping[str, Any]:
    """The job as it is now. :raises RunLost: if there is none."""
    try:
        return await api.look("DescribeTrainingJob", TrainingJobName=ref.name)
    except AwsRefused as exc:
        if is_missing(exc):
            raise RunLost(
                f"SageMaker in {ref.region} has no training job {ref.name}",
                hint="was it deleted, or is the agent in another account or region than the one"
                " that started it?",
            ) from exc
        raise


def is_missing(exc: AwsRefused) -> bool:
    """Whether there is no such job."""
    return exc.reason in {"ResourceNotFound", "ResourceNotFoundException"} or (
        exc.reason == "ValidationException" and exc.said.lower().startswith(_MISSING)
    )


async def tags(api: Api, arn: str) -> Mapping[str, str]:
    """The tags of a job."""
    found: dict[str, str] = {}
    token: str | None = None
    for _ in range(MAX_PAGES):
        more = {"NextToken": token} if token else {}
        told = await api.look("ListTags", ResourceArn=arn, **more)
        found |= {
            tag["Key"]: tag["Value"] for tag in told.get("Tags", []) if {"Key", "Value"} <= {*tag}
        }
        token = told.get("NextToken")
        if not token:
            break
    return found


async def tag(api: Api, arn: str, key: str, value: str) -> None:
    """Give a job a tag."""
    await api.change("AddTags", ResourceArn=arn, Tags=[{"Key": key, "Value": value}])


def stop_of(found: Mapping[str, str]) -> Stop | None:
    """Whether launchkit was told to stop the job that has these tags."""
    by = found.get(STOPPED_BY)
    return Stop(by=by) if by is not None else None


async def listed(
    api: Api, status: str, since: datetime | None, wanted: set[str]
) -> Mapping[str, Mapping[str, Any]]:
    """The jobs of a status that are *wanted*, newest first, page by page until all are found; at
    most so many pages as a fixed set can have: only the time of creation, which never changes,
    bounds it.
    """
    found: dict[str, Mapping[str, Any]] = {}
    more: dict[str, Any] = {"CreationTimeAfter": since} if since else {}
    for _ in range(MAX_PAGES):
        told = await api.look(
            "ListTrainingJobs",
            StatusEquals=status,
            MaxResults=PAGE,
            SortBy="CreationTime",
            SortOrder="Descending",
            **more,
        )
        for one in told.get("TrainingJobSummaries", []):
            if one.get("TrainingJobName") in wanted:
                found[one["TrainingJobName"]] = one
        token = told.get("NextToken")
        if not token or len(found) == len(wanted):
            break
        more = {**more, "NextToken": token}
    return found
