"""Which AWS is asked, and as whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from launchkit_aws.regions import Partition, partition_of

CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0
TRIES = 3
"""Of one request that is throttled, meets a fault of AWS, or a connection that breaks."""
LOOKED_AT, FEW_TRIES = ("iam", "sts"), 2
"""Services that are asked while somebody waits to hear what is wrong."""
CONNECTIONS = 64


@dataclass(frozen=True, kw_only=True)
class AwsPlace:
    """A region, and what is needed to get in."""

    region: str
    profile: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    session_name: str = "launchkit"
    endpoint_urls: Mapping[str, str]
    """By the name of a service."""

    @property
    def partition(self) -> Partition:
        """The partition of the region."""
        return partition_of(self.region)

    def config(self, service: str = "", **more: Any) -> Any:
        """The settings of a client; imports the library of AWS."""
        from aiobotocore.config import AioConfig

        from launchkit_aws.bounded import BoundedSession

        if service == "s3" and service in self.endpoint_urls:
            more.setdefault("s3", {"addressing_style": "path"})  # buckets are no hosts there
        tries = FEW_TRIES if service in LOOKED_AT else TRIES
        more.setdefault("retries", {"mode": "adaptive", "total_max_attempts": tries})
        more.setdefault("read_timeout", READ_SECONDS)
        return AioConfig(
            connect_timeout=CONNECT_SECONDS,
            max_pool_connections=CONNECTIONS,
            user_agent_extra="launchkit",
            warm_up_loader_caches=True,
            http_session_cls=BoundedSession,
            **more,
        )
