"""The clients of Azure's services; imported when Azure is asked for the first time."""

import logging
import ssl
from contextlib import AsyncExitStack
from typing import Any

import anyio
from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.core.pipeline.transport import AioHttpTransport
from azure.identity.aio import DefaultAzureCredential
from azure.storage.blob.aio import BlobServiceClient, ExponentialRetry

from launchkit.aio.tls_records import by_records
from launchkit_azure.bounded import BoundedResponse
from launchkit_azure.errors import NoLogin, explained
from launchkit_azure.place import TRIES, AzurePlace
from launchkit_azure.tokens import Token

CLOSE_SECONDS = 5.0
if (_log := logging.getLogger("azure.identity")).level == logging.NOTSET:
    _log.setLevel(logging.ERROR)  # it warns in many lines of what is raised and told anyway
BIGGEST_REQUEST = 64 << 20


class AzureClients:
    """The chain of credentials, and a client of each storage account, held open until the stack is
    left. They may be used by any number of tasks.
    """

    def __init__(self, stack: AsyncExitStack, place: AzurePlace) -> None:
        self.place = place
        self._stack = stack
        self._chain = self._held(_chain_of(place))
        self._accounts: dict[str, BlobServiceClient] = {}
        self._turn = anyio.Lock()

    async def token(self, scope: str) -> Token:
        """A token of Entra ID. :raises AzureError: if there is none."""
        async with self._turn:  # the chain remembers which of its parts has one
            with explained("Entra ID: cannot get a token"):
                got = await self._chain.get_token(scope)
        return Token.of(got.token, got.expires_on)

    def account(self, name: str) -> BlobServiceClient:
        """The client of a storage account. :raises NoLogin: if there is none to ask it with."""
        if name not in self._accounts:
            self._accounts[name] = self._held(self._opened(name))
        return self._accounts[name]

    def _opened(self, name: str) -> BlobServiceClient:
        place = self.place
        credential: Any = self._chain
        if place.storage_key:
            credential = AzureNamedKeyCredential(name, str.__str__(place.storage_key))
        elif place.storage_sas:
            credential = AzureSasCredential(str.__str__(place.storage_sas))
        elif place.account_url(name).startswith("http://"):
            raise NoLogin(
                f"Blob Storage: {place.account_url(name)}: tokens are sent over TLS alone",
                hint="name a blob_endpoint with https, or set AZURE_STORAGE_KEY",
            )
        pauses = ExponentialRetry(
            initial_backoff=0, increment_base=1, random_jitter_range=1, retry_total=TRIES - 1
        )
        return BlobServiceClient(
            place.account_url(name),
            credential=credential,
            retry_policy=pauses,
            permit_redirects=False,  # a signature in the address would go along
            max_single_put_size=BIGGEST_REQUEST,
            transport=_OneTrust(**place.connection()),
            **place.connection(),
        )

    def _held(self, client: Any) -> Any:
        self._stack.push_async_callback(_close, client)
        return client


class _OneTrust(AioHttpTransport):  # type: ignore[misc] # the library loads it when it is asked for
    """The library itself reads a file of authorities anew for each request, and takes up no
    connection that was made with those which it read before. It reads answers of any length.
    """

    _trust: Any = None

    async def open(self) -> None:
        """Begin a session, of bounded answers."""
        await super().open()
        self.session._response_class = BoundedResponse  # noqa: SLF001 - the library takes no class

    async def send(self, request: Any, **more: Any) -> Any:
        """Ask for answers that are not packed."""
        request.headers["Accept-Encoding"] = "identity"
        return await super().send(request, **more)

    def _build_ssl_config(self, cert: Any, verify: Any) -> Any:
        if self._trust is None:
            asked = super()._build_ssl_config(cert, verify)
            self._trust = by_records(ssl.create_default_context() if asked is True else asked)
        return self._trust


def _chain_of(place: AzurePlace) -> DefaultAzureCredential:
    more: dict[str, Any] = {}
    if place.client_id:
        more["managed_identity_client_id"] = place.client_id
    if place.tenant_id:
        more["workload_identity_tenant_id"] = place.tenant_id
    if place.authority:
        more |= {"authority": place.authority, "disable_instance_discovery": True}
    return DefaultAzureCredential(**more, **place.connection())


async def _close(client: Any) -> None:
    with anyio.move_on_after(CLOSE_SECONDS, shield=True):
        await client.close()


async def open_clients(stack: AsyncExitStack, place: AzurePlace) -> AzureClients:
    """The clients of a place, which have asked nothing yet."""
    return AzureClients(stack, place)
