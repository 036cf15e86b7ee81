"""The environment `azure`: credentials of Entra ID, and Blob Storage as object storage."""

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from launchkit.abc import Environment, Finding, Site
from launchkit.addresses import masked_url
from launchkit.aio.lazy import Lazy
from launchkit.errors import LaunchError, Rejected
from launchkit.model import Secret
from launchkit.plain_text import shortened
from launchkit_azure.blob_address import BlobAddress
from launchkit_azure.blobs import remove, upload
from launchkit_azure.clouds import STORAGE_SCOPE, CloudName
from launchkit_azure.errors import AzureRefused, explained, soon
from launchkit_azure.links import signed_link
from launchkit_azure.place import AzurePlace
from launchkit_azure.roles import role_line
from launchkit_azure.store_check import ROLE, container_line, failed, store_findings
from launchkit_azure.tokens import Token

if TYPE_CHECKING:
    from launchkit_azure.clients import AzureClients

CLIENTS = "launchkit_azure.clients"
"""Imported when Azure is asked for the first time: its library takes a second."""
SUBJECT = "environment azure"
KEY, SAS = "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN"
"""Variables, as Azure's command line has them."""
_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(kw_only=True)
class AzureEnvironment(Environment):
    """A part of Azure. No key is required.

    Credentials are those of DefaultAzureCredential; Blob Storage takes the key or the shared access
    signature in AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN in their place.
    """

    kind: ClassVar[str] = "azure"

    region: str | None = None
    """Is not needed; W&B Launch wants one."""
    cloud: CloudName = "public"
    """The cloud that the agent works in."""
    tenant_id: str | None = None
    """The tenant of the workload identity; by default AZURE_TENANT_ID."""
    client_id: str | None = None
    """The client id of the managed or workload identity to use, if there are several; by default
    AZURE_CLIENT_ID."""
    authority: str | None = None
    """Where Entra ID answers, if it is not Azure's own: that of a private cloud."""
    blob_endpoint: str | None = None
    """Where Blob Storage answers, if it is not Azure's own, such as Azurite; the account's name
    follows in the path."""
    ca: str | None = None
    """A file with the certificate authorities to trust, in place of the machine's."""

    _place: AzurePlace = field(init=False, repr=False)
    _clients: "Lazy[AzureClients]" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name, text in (("tenant_id", self.tenant_id), ("client_id", self.client_id)):
            if text is not None and not _ID.fullmatch(text):
                raise ValueError(
                    f"{name}: {shortened(text, 60)!r} is no id, such as {'0' * 8}-0000-…"
                )
        for name, url in (("authority", self.authority), ("blob_endpoint", self.blob_endpoint)):
            if url is not None:
                _check_url(name, url)

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        """Remember where it stands; Azure need not answer yet."""
        self._place = AzurePlace(
            cloud_name=self.cloud,
            tenant_id=self.tenant_id,
            client_id=self.client_id,
            authority=self.authority,
            blob_endpoint=self.blob_endpoint,
            ca=self.ca,
            storage_key=_secret(KEY),
            storage_sas=_secret(SAS),
        )
        self._clients = Lazy(CLIENTS, lambda clients: clients.open_clients(stack, self._place))

    @property
    def place(self) -> AzurePlace:
        """Where it stands, once it has started."""
        return self._place

    async def token(self, audience: str) -> Token:
        """A token of Entra ID for a service, such as `https://containerregistry.azure.net`.

        :raises AzureError: if there is none.
        """
        return await (await self._clients.opened()).token(f"{audience}/.default")

    @classmethod
    def user_files(cls) -> Mapping[Path, str]:
        """Those of certificates and tokens that the default credentials read."""
        named = ("AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE")
        found = {Path(path) for name in named if (path := os.environ.get(name))}
        folder = Path(os.environ.get("AZURE_CONFIG_DIR") or Path.home() / ".azure")
        return dict.fromkeys((*found, folder / "msal_token_cache.json"), "credentials of Azure")

    async def check(self) -> Sequence[Finding]:
        """Whether there are credentials, and whose."""
        found: list[Finding] = []
        if self._by_key:
            message = f"Blob Storage is asked with {self._place.storage_login}"
            found.append(Finding(level="ok", subject=SUBJECT, message=message))
        try:
            token = await self._whoami()
        except LaunchError as exc:
            if self._by_key:  # the registry may have a login of its own
                return [*found, replace(failed(SUBJECT, exc), level="warning")]
            return [failed(SUBJECT, exc)]
        message = f"works in the {self.cloud} cloud as {token.shown}"
        return [*found, Finding(level="ok", subject=SUBJECT, message=message)]

    async def check_store(self, uri: str) -> Sequence[Finding]:
        """Whether the container is there, and files may be read, written and removed below."""
        try:
            address = self._address(f"{uri.rstrip('/')}/launchkit-check")
            with soon():
                hint = await self._role_hint(address)
                service = await self._service(address)
                return await store_findings(service, address, hint, signs=not self._by_key)
        except LaunchError as exc:
            return [failed(f"store {uri.partition('?')[0]}", exc)]

    async def upload(self, source: Path, uri: str) -> None:
        """Copy a file to Blob Storage, in blocks if it is large.

        :raises LaunchError: if it cannot be read, *uri* is not in Blob Storage, or its container is
            missing.
        """
        address = self._address(uri)
        try:
            await upload(await self._service(address), source, address)
        except AzureRefused as exc:
            if exc.reason == "ContainerNotFound":
                raise Rejected(
                    f"Blob Storage: there is no container {address.container} in {address.account}",
                    hint=f"make it: {container_line(address)}",
                ) from exc
            if exc.denied:
                exc.hint = "`launchkit doctor` prints the command that gives the role"
            raise

    async def remove(self, uri: str) -> None:
        """Remove a file from Blob Storage; none is no error.

        :raises LaunchError: if *uri* is not in Blob Storage, or it does not answer.
        """
        address = self._address(uri)
        await remove(await self._service(address), address)

    async def link(self, uri: str, seconds: float) -> Secret:
        """An address under which whoever has it may read the file for so many seconds.

        :raises LaunchError: if *uri* is not in Blob Storage, or the agent may not sign.
        """
        address = self._address(uri)
        return await signed_link(await self._service(address), self._place, address, seconds)

    @property
    def _by_key(self) -> bool:
        return bool(self._place.storage_key or self._place.storage_sas)

    def _address(self, uri: str) -> BlobAddress:
        address = BlobAddress.parse(uri)
        if address.suffix != self._place.cloud.blob_suffix:
            raise Rejected(
                f"{uri}: is in another cloud than the environment, whose addresses end with"
                f" {self._place.cloud.blob_suffix}",
                hint="set `cloud` of the environment: public, china or us-government",
            )
        return address

    async def _service(self, address: BlobAddress) -> Any:
        with explained("Blob Storage"):
            return (await self._clients.opened()).account(address.account)

    async def _role_hint(self, address: BlobAddress) -> str:
        """What gives the rights that are missing."""
        if self._by_key:
            return f"{self._place.storage_login} does not allow it; make another one"
        return role_line(ROLE, (await self._whoami()).principal, address.scope)

    async def _whoami(self) -> Token:
        with soon():
            return await (await self._clients.opened()).token(STORAGE_SCOPE)


def _secret(variable: str) -> Secret | None:
    text = os.environ.get(variable, "").strip()
    return Secret(text) if text else None


def _check_url(name: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ValueError(
            f"{name}: {shortened(masked_url(url), 100)!r} is no URL with http or https"
        )
