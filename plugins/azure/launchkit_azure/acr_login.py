"""Logins to registries of Azure: a token of Entra ID is exchanged for a refresh token, which is
kept until half of its time is over.

See https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md.
"""

import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio
import httpx

from launchkit.errors import LaunchError
from launchkit.images.registries.client import RegistryClient
from launchkit.model import Credentials, Secret
from launchkit_azure.tokens import Token, claims_of

USER = "00000000-0000-0000-0000-000000000000"
"""Whoever has a refresh token for a password is called so."""
SHORTEST_SECONDS = 600.0
"""How long a refresh token holds that does not say so: Azure's hold for three hours."""
REFUSED = (400, 401, 403)
WRONG = (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)
"""What an answer of another shape raises."""


@dataclass(frozen=True)
class _Kept:
    login: Credentials
    until: float


@dataclass(eq=False)
class AcrLogins:
    """The logins to the registries that the agent may enter."""

    token: Callable[[], Awaitable[Token]]
    """Gets a token of Entra ID for registries."""
    hint: Callable[[str, Token], str]
    """What to do if a registry does not accept it."""
    _kept: dict[str, _Kept] = field(default_factory=dict, repr=False)
    _turn: anyio.Lock = field(default_factory=anyio.Lock, repr=False)

    async def get(self, host: str, client: RegistryClient) -> Credentials:
        """One that is valid for an hour more. :raises LaunchError: if there is none."""
        async with self._turn:
            kept = self._kept.get(host)
            if kept is None or kept.until <= time.time():
                kept = self._kept[host] = await self._exchanged(host, client)
            return kept.login

    async def _exchanged(self, host: str, client: RegistryClient) -> _Kept:
        token = await self.token()
        form = {
            "grant_type": "access_token",
            "service": host,
            "access_token": str.__str__(token.text),
        }
        if token.tenant:
            form["tenant"] = token.tenant
        url = f"{await client.base(host)}/oauth2/exchange"
        response = await client.ask(httpx.Request("POST", url, data=form), again=True)
        if response.status_code in REFUSED:
            raise LaunchError(
                f"registry {host}: does not accept {token.shown} (HTTP {response.status_code})",
                hint=self.hint(host, token),
            )
        return _read(response, host)


def _read(response: httpx.Response, host: str) -> _Kept:
    try:
        text = response.raise_for_status().json()["refresh_token"]
        text.encode("ascii")  # for it is sent
        ends = float(claims_of(text).get("exp") or time.time() + SHORTEST_SECONDS)
        if not math.isfinite(ends):
            raise ValueError("it has no end")
    except (httpx.HTTPStatusError, *WRONG) as exc:
        raise LaunchError(
            f"registry {host}: its answer to a token of Entra ID is no login",
            hint="a proxy may have answered in its place; look at HTTPS_PROXY and NO_PROXY",
        ) from exc
    now = time.time()
    login = Credentials(username=USER, password=Secret(text), expires_at=ends)
    return _Kept(login, now + (ends - now) / 2)
