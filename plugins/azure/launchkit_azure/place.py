"""Which Azure is asked, and as whom."""

from dataclasses import dataclass, field
from typing import Any

from launchkit.model import Secret
from launchkit_azure.clouds import CLOUDS, Cloud, CloudName

CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0
TRIES = 3
"""Of one request that is throttled, meets a fault of Azure, or a connection that breaks."""


@dataclass(frozen=True, kw_only=True)
class AzurePlace:
    """A cloud, and what is needed to get in."""

    cloud_name: CloudName = "public"
    tenant_id: str | None = None
    client_id: str | None = None
    authority: str | None = None
    blob_endpoint: str | None = None
    ca: str | None = None
    storage_key: Secret | None = field(default=None, repr=False)
    storage_sas: Secret | None = field(default=None, repr=False)

    @property
    def cloud(self) -> Cloud:
        """The part of the world."""
        return CLOUDS[self.cloud_name]

    def account_url(self, account: str) -> str:
        """Where an account's files are."""
        if self.blob_endpoint:
            return f"{self.blob_endpoint.rstrip('/')}/{account}"
        return f"https://{account}.{self.cloud.blob_suffix}"

    @property
    def storage_login(self) -> str:
        """With what Blob Storage is asked, for people."""
        if self.storage_key:
            return "the key in AZURE_STORAGE_KEY"
        return "the signature in AZURE_STORAGE_SAS_TOKEN" if self.storage_sas else "a token"

    def connection(self) -> dict[str, Any]:
        """The settings of a client of Azure's library."""
        return {
            "connection_timeout": CONNECT_SECONDS,
            "read_timeout": READ_SECONDS,
            "connection_verify": self.ca or True,
            "user_agent": "launchkit",
        }
