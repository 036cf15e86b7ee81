"""The environment `aws`: an account, and S3 as object storage."""

import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from launchkit.abc import Environment, Site
from launchkit.aio.lazy import Lazy
from launchkit_aws.errors import explained
from launchkit_aws.place import AwsPlace
from launchkit_aws.regions import NAMES, Partition, check_region
from launchkit_aws.s3 import S3Address, check_bucket, remove, upload

if TYPE_CHECKING:
    from launchkit_aws.clients import AwsClients

CLIENTS = "launchkit_aws.clients"
"""Imported when AWS is asked for the first time: its library takes a second."""
_ROLE = re.compile(rf"arn:({'|'.join(NAMES)}):iam::\d{{12}}:role/[\w+=,.@/-]{{1,512}}", re.ASCII)
_SERVICE = re.compile(r"[a-z][a-z0-9-]{0,60}")


@dataclass(kw_only=True)
class AwsEnvironment(Environment):
    """An AWS account, in one region.

    Credentials are those of AWS's default chain, and are got anew before they end.
    """

    kind: ClassVar[str] = "aws"

    region: str
    """The region that the agent works in, such as us-east-1."""
    profile: str | None = None
    """A profile of ~/.aws; by default AWS_PROFILE, or what the machine or pod may do."""
    role_arn: str | None = None
    """A role to assume with these credentials."""
    external_id: str | None = None
    """What the role asks of those from another account."""
    endpoint_urls: Mapping[str, str] = field(default_factory=dict)
    """Where services answer that are not AWS's own, or are reached another way: by their names in
    AWS's command line, such as s3, ecr, sts."""

    _place: AwsPlace = field(init=False, repr=False)
    _buckets: set[str] = field(init=False, repr=False, default_factory=set)
    _clients: "Lazy[AwsClients]" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            check_region(self.region)
        except ValueError as exc:
            raise ValueError(f"region: {exc}") from None
        if self.role_arn is not None and not _ROLE.fullmatch(self.role_arn):
            raise ValueError(
                f"role_arn: {self.role_arn[:100]!r} is no role's ARN, such as"
                " arn:aws:iam::123456789012:role/launch-agent"
            )
        if self.external_id is not None and self.role_arn is None:
            raise ValueError("external_id belongs together with role_arn")
        for service, url in self.endpoint_urls.items():
            _check_endpoint(service, url)

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        """Remember where it stands; AWS need not answer yet."""
        self._place = AwsPlace(
            region=self.region,
            profile=self.profile,
            role_arn=self.role_arn,
            external_id=self.external_id,
            session_name=_session_name(site.agent),
            endpoint_urls=dict(self.endpoint_urls),
        )
        self._clients = Lazy(CLIENTS, lambda clients: clients.open_clients(stack, self._place))

    @property
    def place(self) -> AwsPlace:
        """Where it stands, once it has started."""
        return self._place

    @property
    def partition(self) -> Partition:
        """The part of the world that it is in."""
        return self._place.partition

    async def client(self, service: str, *, region: str | None = None) -> Any:
        """The aiobotocore client of a service, such as `sagemaker`. It is shared, and open until
        the agent ends: nobody closes it. Calls stand in `launchkit_aws.errors.explained`.

        :raises AwsError: if it cannot be opened.
        """
        with explained(service):
            return await (await self._clients.opened()).get(service, region)

    async def upload(self, source: Path, uri: str) -> None:
        """Copy a file to S3, in parts if it is large.

        :raises LaunchError: if it cannot be read, *uri* is not in S3, or its bucket is missing or
            in another region.
        """
        address = S3Address.parse(uri)
        s3 = await self.client("s3")
        if address.bucket not in self._buckets:
            await check_bucket(s3, address.bucket, self._place.region)
            self._buckets.add(address.bucket)
        await upload(s3, source, address)

    async def remove(self, uri: str) -> None:
        """Remove a file from S3; none is no error.

        :raises LaunchError: if *uri* is not in S3, or S3 does not answer.
        """
        address = S3Address.parse(uri)
        await remove(await self.client("s3"), address)


def _check_endpoint(service: str, url: str) -> None:
    if not _SERVICE.fullmatch(service):
        raise ValueError(f"endpoint_urls: {service[:60]!r} is no service, such as s3 or sagemaker")
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ValueError(f"endpoint_urls.{service}: {url[:100]!r} is no URL with http or https")


def _session_name(agent: str) -> str:
    """What AWS shows as the one who has assumed a role."""
    return f"launchkit-{re.sub(r'[^A-Za-z0-9_=,.@-]', '-', agent)}"[:64]
