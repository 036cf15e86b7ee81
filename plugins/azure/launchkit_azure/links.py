"""Addresses of files in Blob Storage under which whoever has them may read: shared access
signatures.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from launchkit.model import Secret
from launchkit_azure.blob_address import BlobAddress
from launchkit_azure.errors import explained
from launchkit_azure.place import AzurePlace

SKEW = timedelta(minutes=15)
"""So far clocks may be apart: a signature counts from so long ago on."""


async def signed_link(
    service: Any, place: AzurePlace, address: BlobAddress, seconds: float
) -> Secret:
    """An address of one file for so many seconds: signed with the account's key, or with one of the
    agent's own that Azure gives for it; a signature that the agent has is handed on as it is.

    :raises AzureError: if Azure gives no key.
    """
    url = service.get_blob_client(**address.target).url.partition("?")[0]
    signature = place.storage_sas or await _signature(service, place, address, seconds)
    return Secret(f"{url}?{str.__str__(signature).removeprefix('?')}")


async def delegation_key(service: Any, seconds: float) -> Any:
    """A key of the agent's own to sign with. :raises AzureError: if it may not have one."""
    now = datetime.now(UTC)
    with explained("Blob Storage: cannot get a key to sign with"):
        return await service.get_user_delegation_key(now - SKEW, now + timedelta(seconds=seconds))


async def _signature(
    service: Any, place: AzurePlace, address: BlobAddress, seconds: float
) -> Secret:
    from azure.storage.blob import BlobSasPermissions, generate_blob_sas

    key: dict[str, Any]
    if place.storage_key:
        key = {"account_key": str.__str__(place.storage_key)}
    else:
        key = {"user_delegation_key": await delegation_key(service, seconds)}
    with explained(f"Blob Storage: cannot sign for {address}"):
        signed = generate_blob_sas(
            account_name=address.account,
            container_name=address.container,
            blob_name=address.name,
            permission=BlobSasPermissions(read=True),
            start=datetime.now(UTC) - SKEW,
            expiry=datetime.now(UTC) + timedelta(seconds=seconds),
            **key,
        )
    return Secret(signed)
