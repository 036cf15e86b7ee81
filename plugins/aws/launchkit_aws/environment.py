"""The environment `aws`: an account, and S3 as object storage."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from launchkit.abc import Environment, Finding, Site
from launchkit.addresses import masked_url
from launchkit.aio.lazy import Lazy
from launchkit.errors import LaunchkitError
from launchkit.plain_text import shortened
from launchkit_aws.credential_files import credential_files
from launchkit_aws.errors import explained, soon
from launchkit_aws.place import AwsPlace
from launchkit_aws.regions import NAMES, Partition, check_region
from launchkit_aws.rights import Need, rights_findings
from launchkit_aws.s3 import S3Address, check_bucket, remove, upload

if TYPE_CHECKING:
    from launchkit_aws.clients import AwsClients

CLIENTS = "launchkit_aws.clients"
"""Imported when AWS is asked for the first time: its library takes a second."""
SUBJECT = "environment aws"
LOOKING = ("iam:SimulatePrincipalPolicy", "iam:GetRole")
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
    _rights: dict[tuple[str | Need, ...], Sequence[Finding]] = field(
        init=False, repr=False, default_factory=dict
    )
    _buckets: set[str] = field(init=False, repr=False, default_factory=set)
    _clients: "Lazy[AwsClients]" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            check_region(self.region)
        except ValueError as exc:
            raise ValueError(f"region: {exc}") from None
        if self.role_arn is not None and not _ROLE.fullmatch(self.role_arn):
            raise ValueError(
                f"role_arn: {shortened(self.role_arn, 100)!r} is no role's ARN, such as"
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

    def variables(self) -> Mapping[str, str]:
        """The region, and where S3 answers if that is not Amazon's own place: as AWS's libraries
        read it, and as Kaniko does.
        """
        found = {"AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region}
        if s3 := self.endpoint_urls.get("s3"):
            found |= {
                "AWS_ENDPOINT_URL_S3": s3,
                "S3_ENDPOINT": s3,
                "S3_FORCE_PATH_STYLE": "true",
            }
        return found

    @classmethod
    def user_files(cls) -> Mapping[Path, str]:
        """Those of keys and tokens that AWS's default chain reads or keeps. Reads which of its
        settings there are keys in.
        """
        return credential_files(os.environ)

    async def check(self) -> Sequence[Finding]:
        """Whether AWS answers, and as whom it knows the agent."""
        try:
            arn = await self._whoami()
        except LaunchkitError as exc:
            return [_failed(SUBJECT, exc)]
        message = f"works in {self.region} as {arn}"
        return [Finding(level="ok", subject=SUBJECT, message=message)]

    async def check_store(self, uri: str) -> Sequence[Finding]:
        """Whether the bucket is there, in this region, and files may be put and removed below."""
        subject = f"store {uri}"
        try:
            address = S3Address.parse(f"{uri.rstrip('/')}/x")
            s3 = await self.client("s3")
            with soon():
                await check_bucket(s3, address.bucket, self.region)
        except LaunchkitError as exc:
            return [_failed(subject, exc)]
        found = Finding(level="ok", subject=subject, message=f"bucket {address.bucket} is there")
        partition = self.partition.name
        return [found, *await self.rights(store_needs(address, partition), subject)]

    async def rights(self, needs: Sequence[Need], subject: str) -> Sequence[Finding]:
        """What the agent's policy lacks of *needs*, as IAM simulates it: warnings, since other
        policies may say another word. What was found is told again without asking.
        """
        told = self._rights.get((subject, *needs))
        if told is None:
            told = self._rights[subject, *needs] = await self._simulated(needs, subject)
        return told

    async def _simulated(self, needs: Sequence[Need], subject: str) -> Sequence[Finding]:
        try:
            with soon():
                principal, iam = await self._whoami(), await self.client("iam")
                return await rights_findings(iam, principal, needs, subject)
        except LaunchkitError as exc:
            message = f"what the agent may do is not known: {exc.message}"
            statement = json.dumps(Need(actions=LOOKING).statement)
            hint = f"to look at it, its policy needs: {statement}"
            return [Finding(level="warning", subject=subject, message=message, hint=hint)]

    async def _whoami(self) -> str:
        """The ARN of who asks. :raises AwsError: if AWS does not say soon."""
        sts = await self.client("sts")
        with soon(), explained("AWS"):
            return str((await sts.get_caller_identity())["Arn"])

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


def _failed(subject: str, exc: LaunchkitError) -> Finding:
    return Finding(level="error", subject=subject, message=exc.message, hint=exc.hint)


def store_needs(address: S3Address, partition: str) -> Sequence[Need]:
    """What is needed to keep files below an address."""
    bucket = f"arn:{partition}:s3:::{address.bucket}"
    prefix = address.key.rpartition("/")[0]
    files = f"{bucket}/{prefix}/*" if prefix else f"{bucket}/*"
    return (
        Need(actions=("s3:ListBucket",), resource=bucket),
        Need(
            actions=(
                "s3:PutObject",
                "s3:GetObject",
                "s3:DeleteObject",
                "s3:AbortMultipartUpload",
            ),
            resource=files,
        ),
    )


def _check_endpoint(service: str, url: str) -> None:
    if not _SERVICE.fullmatch(service):
        raise ValueError(
            f"endpoint_urls: {shortened(service, 60)!r} is no service, such as s3 or sagemaker"
        )
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ValueError(
            f"endpoint_urls.{service}: {shortened(masked_url(url), 100)!r} is no URL with http or"
            " https"
        )


def _session_name(agent: str) -> str:
    """What AWS shows as the one who has assumed a role."""
    return f"launchkit-{re.sub(r'[^A-Za-z0-9_=,.@-]', '-', agent)}"[:64]
