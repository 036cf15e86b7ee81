"""A role that the agent may pass on, and buckets of the account."""

from launchkit_aws.environment import AwsEnvironment

from .conftest import REGION

ROLE = "arn:aws:iam::123456789012:role/launch-agent"


async def bucket(aws: AwsEnvironment, name: str, region: str = REGION) -> None:
    """Make one."""
    s3 = await aws.client("s3", region=region)
    where = {"LocationConstraint": region}
    await s3.create_bucket(Bucket=name, CreateBucketConfiguration=where)
