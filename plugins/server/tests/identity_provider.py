"""An OpenID Connect provider on a socket: it signs what it says, and takes a code once, from the
client that it gave it to. What it says of its people can be bent.
"""

import hashlib
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode
from uuid import uuid4

import uvicorn
from anyio.from_thread import start_blocking_portal
from joserfc import jwt
from joserfc.jwk import KeySet
from launchkit_server.process import listening, url_of
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "launchkit", "a secret: of the client"
FORM = """<!doctype html><html lang="en"><title>Provider</title><link rel="icon" href="data:,">
<main><h1>Who are you?</h1><form method="post">
<label>Name <input name="email"></label><button>Go on</button></form></main>"""


@dataclass
class IdentityProvider:
    """The provider; tests change what it does."""

    url: str = ""
    keys: KeySet = field(default_factory=lambda: KeySet.generate_key_set("RSA", 2048, count=1))
    said: dict[str, Any] = field(default_factory=dict)
    """Claims in the place of those that are right."""
    unsaid: set[str] = field(default_factory=set)
    """Claims that it leaves out."""
    document: dict[str, Any] = field(default_factory=dict)
    header: dict[str, str] = field(default_factory=lambda: {"alg": "RS256"})
    shown: list[Any] | None = None
    """Keys that it shows in the place of its own."""
    looks: int = 0
    """How often somebody has asked for them."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    down: bool = False

    def new_keys(self) -> None:
        """Sign with others from now on."""
        self.keys = KeySet.generate_key_set("RSA", 2048, count=1)

    @property
    def app(self) -> Starlette:
        routes = [
            Route("/.well-known/openid-configuration", self._document),
            Route("/keys", self._keys),
            Route("/authorize", self._ask),
            Route("/authorize", self._authorize, methods=["POST"]),
            Route("/token", self._token, methods=["POST"]),
        ]
        return Starlette(routes=routes)

    async def _document(self, _: Request) -> Response:
        if self.down:
            return JSONResponse({}, 503)
        document = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
        }
        return JSONResponse({**document, **self.document})

    async def _keys(self, _: Request) -> Response:
        self.looks += 1
        own = self.keys.as_dict(private=False)["keys"]
        return JSONResponse({"keys": own if self.shown is None else self.shown})

    async def _ask(self, _: Request) -> Response:
        return HTMLResponse(FORM)

    async def _authorize(self, request: Request) -> Response:
        query = dict(request.query_params)
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        form = parse_qs((await request.body()).decode())
        if "email" not in form:
            back = {"error": "access_denied", "state": query["state"]}
        else:
            code = uuid4().hex
            self.codes[code] = {**query, "email": form["email"][0]}
            back = {"code": code, "state": query["state"]}
        return RedirectResponse(f"{query['redirect_uri']}?{urlencode(back)}", 303)

    async def _token(self, request: Request) -> Response:
        form = {name: value[0] for name, value in parse_qs((await request.body()).decode()).items()}
        asked = self.codes.pop(form["code"], None)
        if asked is None or not self._fits(asked, form, request.headers.get("authorization", "")):
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse({"id_token": self._signed(asked), "token_type": "Bearer"})

    def _fits(self, asked: dict[str, str], form: dict[str, str], authorization: str) -> bool:
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = urlsafe_b64encode(digest).rstrip(b"=").decode()
        client = b64decode(authorization.removeprefix("Basic ")).decode()
        return (
            challenge == asked["code_challenge"]
            and form["redirect_uri"] == asked["redirect_uri"]
            and [unquote_plus(part) for part in client.split(":")] == [CLIENT, SECRET]
        )

    def _signed(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": asked["client_id"],
            "sub": f"of {asked['email']}",
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "email": asked["email"],
            "email_verified": True,
        }
        key = self.keys.keys[0]
        said = {**claims, **self.said}
        told = {name: value for name, value in said.items() if name not in self.unsaid}
        return jwt.encode({"kid": key.kid, **self.header}, told, key)


@contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    """A provider that answers."""
    provider = IdentityProvider()
    made = listening("127.0.0.1", 0)
    provider.url = url_of(made)
    server = uvicorn.Server(uvicorn.Config(provider.app, lifespan="off", log_config=None))
    with start_blocking_portal() as portal:
        running = portal.start_task_soon(server.serve, [made])
        try:
            yield provider
        finally:
            server.should_exit = True
            running.result()
