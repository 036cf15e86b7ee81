"""What is asked of a registry about its images; imported when an agent needs a registry."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import anyio
import httpx
from anyio.to_thread import run_sync

from launchkit.abc import Finding, MayNotRead
from launchkit.aio.http import http_client
from launchkit.errors import LaunchError
from launchkit.images.ref import ImageRef
from launchkit.images.registries.checkup import examine
from launchkit.images.registries.client import (
    DENIED,
    LOGIN_HINT,
    Logins,
    RegistryClient,
    RegistryRequest,
    tls_context,
)
from launchkit.model import Credentials

TIMEOUT_SECONDS = 30.0
CLOSE_SECONDS = 5.0
MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
"""All that may stand behind a tag: a registry says 404 if its kind is not asked for."""


async def open_probe(
    stack: AsyncExitStack,
    ca: str | None,
    logins: Logins,
    plain: Callable[[str], bool],
    login_hint: str = LOGIN_HINT,
) -> "RegistryProbe":
    """Open the connections. *logins* gives that of a host, *plain* tells whether one may be asked
    without TLS, and *login_hint* what to do about a login that is not accepted.

    :raises OSError: if the file *ca* cannot be read.
    :raises ConfigError: if what the environment says of proxies and authorities makes no sense.
    """
    context = await run_sync(tls_context, ca)
    client = http_client(context, timeout=TIMEOUT_SECONDS)
    stack.push_async_callback(_close, client)
    return RegistryProbe(
        RegistryClient(client=client, logins=logins, plain=plain, login_hint=login_hint)
    )


async def _close(client: httpx.AsyncClient) -> None:
    with anyio.move_on_after(CLOSE_SECONDS, shield=True):
        await client.aclose()


@dataclass(frozen=True)
class RegistryProbe:
    """Questions about images."""

    client: RegistryClient

    async def find(self, ref: str) -> tuple[bool, str | None]:
        """Whether a registry has an image, and the digest that it tells.

        :raises Rejected: if *ref* is not the name of an image.
        :raises MayNotRead: if the registry does not let one see.
        :raises LaunchError: if the registry cannot be reached, or does not say.
        """
        image = ImageRef.parse(ref)
        response = await self.client.send(
            RegistryRequest(
                method="HEAD",
                host=image.registry,
                target=f"/v2/{image.path}/manifests/{image.version}",
                path=image.path,
                actions="pull",
                headers={"Accept": ", ".join(MANIFESTS)},
            )
        )
        if response.status_code == httpx.codes.NOT_FOUND:
            return False, None
        if response.status_code == httpx.codes.OK:
            return True, response.headers.get("docker-content-digest")
        error = MayNotRead if response.status_code in DENIED else LaunchError
        raise error(
            f"registry {image.registry}: does not say whether it has {ref}"
            f" (HTTP {response.status_code})",
            hint=f"{self.client.login_hint}, and whether it may read {image.path}",
        )

    async def examine(
        self,
        host: str,
        path: str,
        login: Credentials | None,
        *,
        pushes: bool,
        hint: str | None = None,
    ) -> Sequence[Finding]:
        """What a registry allows; *hint* is what to do if *login* lacks a right."""
        return await examine(self.client, host, path, login, pushes=pushes, hint=hint)
