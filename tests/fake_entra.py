"""A stand-in for Entra ID: it gives a service principal tokens, as its endpoint does."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from served import served

if TYPE_CHECKING:
    from aiohttp import web

TENANT, CLIENT, PRINCIPAL = (f"{number}1111111-2222-3333-4444-555555555555" for number in (1, 2, 3))
SECRET = "a-secret-of-a-test"
SIGNED_WITH = "no one can make tokens that are good without this word of tests"


@dataclass
class FakeEntra:
    """Tokens for one service principal."""

    url: str = ""
    seconds: float = 3600.0
    """How long tokens hold."""
    asked: list[str] = field(default_factory=list)
    """For what scopes tokens were wanted."""

    @property
    def variables(self) -> dict[str, str]:
        """By which Azure's library finds the principal, and nobody else."""
        return {
            "AZURE_TENANT_ID": TENANT,
            "AZURE_CLIENT_ID": CLIENT,
            "AZURE_CLIENT_SECRET": SECRET,
            "AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential",
        }

    async def handle(self, request: "web.Request") -> "web.Response":
        from aiohttp import web

        form = await request.post()
        wanted = (form.get("client_id"), form.get("client_secret"), request.match_info["tenant"])
        if wanted != (CLIENT, SECRET, TENANT):
            told = "AADSTS7000215: Invalid client secret provided."
            error = {"error": "invalid_client", "error_description": told}
            return web.json_response(error, status=401)
        scope = str(form["scope"])
        self.asked.append(scope)
        token = token_for(scope.removesuffix("/.default"), self.seconds)
        told_: dict[str, Any] = {
            "token_type": "Bearer",
            "expires_in": int(self.seconds),
            "access_token": token,
        }
        return web.json_response(told_)


def token_for(audience: str, seconds: float = 3600.0) -> str:
    """A token of the principal for a service."""
    import jwt

    now = time.time()
    claims = {
        "iss": f"https://sts.windows.net/{TENANT}/",
        "aud": audience,
        "iat": int(now),
        "nbf": int(now) - 5,
        "exp": int(now + seconds),
        "tid": TENANT,
        "oid": PRINCIPAL,
        "appid": CLIENT,
        "ver": "1.0",
        "jti": uuid4().hex,
    }
    return jwt.encode(claims, SIGNED_WITH, algorithm="HS256")


@contextmanager
def entra(certificate: Path) -> Iterator[FakeEntra]:
    """It, over TLS, for the time of the context."""
    from aiohttp import web

    fake = FakeEntra()
    app = web.Application()
    app.router.add_post("/{tenant}/oauth2/v2.0/token", fake.handle)
    with served(app, certificate) as port:
        fake.url = f"https://127.0.0.1:{port}"
        yield fake
