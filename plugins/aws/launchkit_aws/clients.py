"""The clients of AWS's services; imported when AWS is asked for the first time."""

from contextlib import AsyncExitStack
from typing import Any

import anyio
from aiobotocore.client import AioBaseClient
from aiobotocore.session import AioSession
from anyio.to_thread import run_sync

from launchkit.aio.http import require_authorities
from launchkit.aio.retry import retry_after_of
from launchkit_aws.credentials import FreshCredentials, new_session
from launchkit_aws.errors import EXPIRED
from launchkit_aws.place import TRIES, AwsPlace

AUTHORITIES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
CLOSE_SECONDS = 5.0
BUSY = (429, 503)
LONGEST_WISH = 60.0


class AwsClients:
    """One client of each service and region, held open until the stack is left. They share their
    credentials, and may be used by any number of tasks.
    """

    def __init__(self, stack: AsyncExitStack, place: AwsPlace) -> None:
        self.place = place
        self.credentials = FreshCredentials(place)
        self._stack = stack
        self._session = self._made_session()
        self._clients: dict[tuple[str, str], AioBaseClient] = {}
        self._turn = anyio.Lock()

    async def get(self, service: str, region: str | None = None) -> Any:
        """The client of a service, by its name in botocore, such as `sagemaker`."""
        where = region or self.place.region
        async with self._turn:
            if (service, where) not in self._clients:
                self._clients[service, where] = await self._opened(service, where)
        return self._clients[service, where]

    async def _opened(self, service: str, region: str) -> AioBaseClient:
        client = self._session.create_client(
            service,
            region_name=region,
            endpoint_url=self.place.endpoint_urls.get(service),
            config=self.place.config(service),
        )
        opened = await client.__aenter__()
        self._stack.push_async_callback(_close, opened)
        name = opened.meta.service_model.service_id.hyphenize()
        opened.meta.events.register_first(f"needs-retry.{name}", self._again)
        return opened

    def _made_session(self) -> AioSession:
        session = new_session(self.place)
        session._credentials = self.credentials  # noqa: SLF001 - it takes frozen ones alone
        return session

    def _again(
        self, response: tuple[Any, Any] | None = None, attempts: int = 1, **_: object
    ) -> float | None:
        """The pause before another try, beside those that the library makes.

        What was refused for the age of its credentials is signed anew, once: that of a long upload
        may pass on the way. What says for how long to leave it alone is heeded.
        """
        if response is None:
            return None
        http, parsed = response
        if parsed.get("Error", {}).get("Code") in EXPIRED:
            if attempts > 1:
                return None
            self.credentials.distrust()
            return 0.0
        if http.status_code in BUSY and attempts < TRIES:
            wish = retry_after_of(http.headers.get("Retry-After"))
            return None if wish is None or wish > LONGEST_WISH else wish
        return None


async def _close(client: AioBaseClient) -> None:
    with anyio.move_on_after(CLOSE_SECONDS, shield=True):
        await client.close()


async def open_clients(stack: AsyncExitStack, place: AwsPlace) -> AwsClients:
    """The clients of a place, none of them open yet.

    :raises ConfigError: if the environment names authorities that are not there.
    """
    await run_sync(require_authorities, *AUTHORITIES)
    return AwsClients(stack, place)
