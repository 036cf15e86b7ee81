"""The clouds of Azure: parts of the world with names and hosts of their own. Pure."""

from dataclasses import dataclass
from typing import Literal

CloudName = Literal["public", "china", "us-government"]


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """A part of the world."""

    authority: str
    """The host of Entra ID, which gives tokens."""
    blob_suffix: str
    """The hosts of Blob Storage end so, after the account's name."""
    registry_suffix: str
    """The hosts of registries end so."""
    registry_audience: str
    """Whom the tokens are for that registries take."""


CLOUDS: dict[CloudName, Cloud] = {
    "public": Cloud(
        authority="https://login.microsoftonline.com",
        blob_suffix="blob.core.windows.net",
        registry_suffix="azurecr.io",
        registry_audience="https://containerregistry.azure.net",
    ),
    "china": Cloud(
        authority="https://login.chinacloudapi.cn",
        blob_suffix="blob.core.chinacloudapi.cn",
        registry_suffix="azurecr.cn",
        registry_audience="https://management.chinacloudapi.cn",
    ),
    "us-government": Cloud(
        authority="https://login.microsoftonline.us",
        blob_suffix="blob.core.usgovcloudapi.net",
        registry_suffix="azurecr.us",
        registry_audience="https://management.usgovcloudapi.net",
    ),
}
STORAGE_SCOPE = "https://storage.azure.com/.default"
"""Of tokens for Blob Storage, in all clouds."""
