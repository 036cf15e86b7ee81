"""S3 keeps what the seam promises, as moto has it."""

from collections.abc import Awaitable, Callable

import pytest
from launchkit_aws.environment import AwsEnvironment
from launchkit_aws.s3 import S3Address

from launchkit.testing import EnvironmentContract

from .conftest import REGION


class TestAwsEnvironment(EnvironmentContract):
    @pytest.fixture
    def environment(self, aws: AwsEnvironment) -> AwsEnvironment:
        return aws

    @pytest.fixture
    async def uri(self, environment: AwsEnvironment) -> str:
        s3 = await environment.client("s3")
        await s3.create_bucket(
            Bucket="contexts", CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        return "s3://contexts/some/file"

    @pytest.fixture
    def stored(self, environment: AwsEnvironment) -> Callable[[str], Awaitable[bytes]]:
        async def read(uri: str) -> bytes:
            s3 = await environment.client("s3")
            answer = await s3.get_object(**S3Address.parse(uri).target)
            async with answer["Body"] as body:
                return bytes(await body.read())

        return read
