"""Google's services as their HTTP APIs have them: tokens, permissions, and where they are asked."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

PROJECT, REGION = "my-project", "europe-west4"
AGENT = f"agent@{PROJECT}.iam.gserviceaccount.com"
OTHER = f"other@{PROJECT}.iam.gserviceaccount.com"
HOUR = 3600.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def refused(status: int, word: str, message: str, **headers: str) -> web.Response:
    """An error, as Google's APIs write it."""
    error = {"code": status, "message": message, "status": word}
    return web.json_response({"error": error}, status=status, headers=headers)


@dataclass
class FakeGoogle:
    """Gives tokens, and serves what others have added for those who have the one that counts."""

    token: str = field(default_factory=lambda: uuid4().hex)
    """The one that counts."""
    seconds: float = HOUR
    """For how long a token holds, as is said with it."""
    lacking: set[str] = field(default_factory=set)
    """Permissions that nobody has."""
    given: list[str] = field(default_factory=list)
    """By which way each token was got."""
    asked: list[str] = field(default_factory=list)
    """Method and path of each request to an API."""
    answers: list[web.Response] = field(default_factory=list)
    """The next answers, in place of the APIs' own."""
    app: web.Application = field(default_factory=lambda: web.Application(client_max_size=1 << 26))
    url: str = ""

    def __post_init__(self) -> None:
        add = self.app.router.add_route
        add("POST", "/token", self._exchange)
        add("POST", "/sts", self._federate)
        add("POST", "/v1/projects/-/serviceAccounts/{email}:generateAccessToken", self._act_as)
        add("GET", "/", self._metadata)
        add("GET", "/computeMetadata/v1/{rest:.*}", self._metadata)
        self.serve("POST", "/v1/{resource:.+}:testIamPermissions", self._permissions)

    def change(self) -> None:
        """Tokens that were given before are worth nothing."""
        self.token = uuid4().hex

    def serve(self, method: str, path: str, handler: Handler) -> None:
        """Serve a part of an API to those who have a token."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            self.asked.append(f"{request.method} {request.path}")
            if self.answers:
                return self.answers.pop(0)
            if request.headers.get("Authorization") != f"Bearer {self.token}":
                return refused(401, "UNAUTHENTICATED", "Request had invalid credentials.")
            return await handler(request)

        self.app.router.add_route(method, path, guarded)

    def held(self, permissions: list[str]) -> web.Response:
        """What the one who asks may do, of some permissions."""
        told = [one for one in permissions if one not in self.lacking]
        return web.json_response({"permissions": told} if told else {})

    async def _permissions(self, request: web.Request) -> web.Response:
        return self.held((await request.json())["permissions"])

    def _give(self, way: str) -> web.Response:
        self.given.append(way)
        told = {"access_token": self.token, "expires_in": self.seconds, "token_type": "Bearer"}
        return web.json_response(told)

    async def _exchange(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form["grant_type"] == "refresh_token":
            return self._give("person")
        if form["grant_type"] != "urn:ietf:params:oauth:grant-type:jwt-bearer":
            return web.json_response({"error": "unsupported_grant_type"}, status=400)
        assert str(form["assertion"]).count(".") == 2
        return self._give("key")

    async def _federate(self, request: web.Request) -> web.Response:
        form = await request.post()
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:token-exchange"
        if form["subject_token"] != "of-the-pod":
            told = {"error": "invalid_grant", "error_description": "The token is not known."}
            return web.json_response(told, status=400)
        return self._give("federation")

    async def _act_as(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == f"Bearer {self.token}"
        email = request.match_info["email"]
        if email != OTHER:
            why = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource."
            return refused(403, "PERMISSION_DENIED", why)
        self.given.append(f"as {email}")
        return web.json_response({"accessToken": self.token, "expireTime": "2099-01-01T00:00:00Z"})

    async def _metadata(self, request: web.Request) -> web.Response:
        headers = {"Metadata-Flavor": "Google"}
        if request.headers.get("Metadata-Flavor") != "Google":
            return web.Response(status=403)
        rest = request.match_info.get("rest", "")
        if rest.endswith("/token"):
            answer = self._give("machine")
            answer.headers.update(headers)
            return answer
        if rest.startswith("instance/service-accounts/default"):
            told = {"email": AGENT, "scopes": ["https://www.googleapis.com/auth/cloud-platform"]}
            return web.json_response(told, headers=headers)
        text = PROJECT if rest == "project/project-id" else "ok"
        return web.Response(text=text, headers=headers)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Its URL, for the time of the context."""
        async with serving(self.app) as url:
            self.url = url
            yield url


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


def new_key() -> str:
    """A private key, as key files have it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def key_file(path: Path, url: str, key: str) -> Path:
    """A key of the agent's service account, whose tokens are got at a URL."""
    told: dict[str, Any] = {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "1",
        "private_key": key,
        "client_email": AGENT,
        "token_uri": f"{url}/token",
    }
    path.write_text(json.dumps(told))
    return path
