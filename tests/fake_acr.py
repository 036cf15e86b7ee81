"""Azure Container Registry: a real registry that checks tokens, and in front of it the token
service as Azure's documentation has it: https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md.
"""

import base64
import binascii
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from fake_entra import PRINCIPAL, SIGNED_WITH, TENANT
from served import served

from launchkit.testing import RegistryServer, registry_server
from launchkit.testing.registry_server import skip_without_programs

if TYPE_CHECKING:
    from aiohttp import web
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from multidict import CIMultiDict

USER = "00000000-0000-0000-0000-000000000000"
AUDIENCE = "https://containerregistry.azure.net"
ISSUER = "lk-auth"
ACCESS_SECONDS = 300
HOPS = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer"})


class Refused(Exception):
    """The answer is 401."""


@dataclass
class FakeAcr:
    """The token service, and what it has been asked."""

    key: "PrivateKeyTypes" = field(repr=False)
    chain: list[str] = field(repr=False)
    host: str = ""
    names: set[str] = field(default_factory=set)
    """As which it is known beside its host."""
    upstream: str = ""
    seconds: float = 3 * 3600.0
    """How long refresh tokens hold."""
    actions: frozenset[str] = frozenset({"pull", "push"})
    """What the principal may."""
    passwords: dict[str, str] = field(default_factory=dict, repr=False)
    """Those of tokens with a scope map, by their names."""
    exchanges: int = 0
    closed: bool = False
    """Whether tokens of Entra ID are refused."""

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    async def exchange(self, request: "web.Request") -> "web.Response":
        """POST /oauth2/exchange."""
        form = await request.post()
        if form.get("grant_type") != "access_token" or self._unknown(form.get("service")):
            raise Refused("unsupported grant or service")
        claims = _checked(str(form.get("access_token")), audience=AUDIENCE)
        if self.closed or form.get("tenant") not in {None, claims["tid"]}:
            raise Refused("Access to registry was denied")
        self.exchanges += 1
        return _json({"refresh_token": self.refresh_token()})

    async def token(self, request: "web.Request") -> "web.Response":
        """GET or POST /oauth2/token."""
        form: Mapping[str, Any] = request.query
        if request.method == "POST":
            form = await request.post()
        if self._unknown(form.get("service")):
            raise Refused("unknown service")
        if form.get("grant_type") == "refresh_token":
            user = self._refreshed(str(form.get("refresh_token")))
        else:
            user = self._basic(request.headers.get("Authorization", ""))
        wanted = " ".join(form.getall("scope", []))  # type: ignore[attr-defined] # several
        access = [self._granted(scope) for scope in wanted.split()]
        token = self.access_token(user, access)
        return _json({"access_token": token, "token": token, "expires_in": ACCESS_SECONDS})

    def refresh_token(self) -> str:
        return _signed({
            "iss": "Azure Container Registry",
            "aud": self.host,
            "grant_type": "refresh_token",
            "tenant": TENANT,
            "sub": PRINCIPAL,
            "exp": int(time.time() + self.seconds),
            "jti": uuid4().hex,
        })  # fmt: skip

    def access_token(self, user: str, access: list[dict[str, Any]]) -> str:
        """A token that the registry itself checks."""
        import jwt

        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": self.host,
            "sub": user,
            "iat": now,
            "nbf": now - 5,
            "exp": now + ACCESS_SECONDS,
            "jti": uuid4().hex,
            "access": access,
        }
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"x5c": self.chain})

    def server(self, repository: str) -> RegistryServer:
        """The registry as its owner sees it, who may do all in a repository."""
        actions = ["pull", "push", "delete"]
        token = self.access_token(
            "owner", [{"type": "repository", "name": repository, "actions": actions}]
        )
        headers = {"Authorization": f"Bearer {token}"}
        return RegistryServer(host=self.upstream.removeprefix("http://"), headers=headers)

    def _unknown(self, service: Any) -> bool:
        return service not in {self.host, *self.names}

    def _granted(self, scope: str) -> dict[str, Any]:
        kind, name, actions = scope.split(":")
        granted = [one for one in actions.split(",") if one in self.actions]
        return {"type": kind, "name": name, "actions": granted}

    def _refreshed(self, token: str) -> str:
        claims = _checked(token, audience=self.host)
        if claims.get("grant_type") != "refresh_token":
            raise Refused("no refresh token")
        return str(claims["sub"])

    def _basic(self, header: str) -> str:
        try:
            text = base64.b64decode(header.removeprefix("Basic "), validate=True).decode()
        except (ValueError, binascii.Error):
            raise Refused("no login") from None
        user, _, password = text.partition(":")
        if user == USER:
            return self._refreshed(password)
        if not password or self.passwords.get(user) != password:
            raise Refused("wrong password")
        return user

    async def forward(self, request: "web.Request") -> "web.StreamResponse":
        """All else is the registry's business."""
        from aiohttp import ClientSession, web
        from yarl import URL

        headers = _kept(request.headers.items())  # Docker sends several of the name Accept
        body = request.content if request.can_read_body else None
        target = URL(f"{self.upstream}{request.raw_path}", encoded=True)
        async with (
            ClientSession(auto_decompress=False) as session,
            session.request(
                request.method, target, headers=headers, data=body, allow_redirects=False
            ) as answer,
        ):
            told = _kept(answer.headers.items())
            response = web.StreamResponse(status=answer.status, headers=told)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
        return response


@contextmanager
def acr(folder: Path) -> Iterator[FakeAcr]:
    """It, for the time of the context."""
    from aiohttp import web

    skip_without_programs()
    folder.mkdir(parents=True, exist_ok=True)
    fake = FakeAcr(*_key_pair(folder))

    @web.middleware
    async def refusing(request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            return await handler(request)  # type: ignore[no-any-return]
        except Refused as exc:
            error = {"code": "UNAUTHORIZED", "message": str(exc)}
            return _json({"errors": [error]}, status=401)

    app = web.Application(client_max_size=1 << 20, middlewares=[refusing])
    app.router.add_post("/oauth2/exchange", fake.exchange)
    app.router.add_route("*", "/oauth2/token", fake.token)
    app.router.add_route("*", "/{rest:.*}", fake.forward)
    with served(app) as port:
        fake.host = f"127.0.0.1:{port}"
        auth = (
            f"{{realm: '{fake.url}/oauth2/token', service: '{fake.host}', issuer: {ISSUER},"
            f" rootcertbundle: {folder / 'cert.pem'}}}"
        )
        with registry_server(folder, more=f"auth: {{token: {auth}}}\n") as server:
            fake.upstream = server.url
            yield fake


def _key_pair(folder: Path) -> tuple["PrivateKeyTypes", list[str]]:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

    key, cert = folder / "key.pem", folder / "cert.pem"
    new = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=lk")
    command = ["openssl", *new, "-keyout", str(key), "-out", str(cert)]
    subprocess.run(command, check=True, capture_output=True)
    der = x509.load_pem_x509_certificate(cert.read_bytes()).public_bytes(Encoding.DER)
    return load_pem_private_key(key.read_bytes(), None), [base64.b64encode(der).decode()]


def _kept(headers: Iterable[tuple[str, str]]) -> "CIMultiDict[str]":
    from multidict import CIMultiDict

    return CIMultiDict((key, text) for key, text in headers if key.lower() not in HOPS)


def _json(told: Any, status: int = 200) -> "web.Response":
    from aiohttp import web

    return web.json_response(told, status=status)


def _signed(claims: dict[str, Any]) -> str:
    import jwt

    return jwt.encode(claims, SIGNED_WITH, algorithm="HS256")


def _checked(token: str, audience: str) -> dict[str, Any]:
    import jwt

    try:
        found: dict[str, Any] = jwt.decode(
            token, SIGNED_WITH, algorithms=["HS256"], audience=audience
        )
    except jwt.InvalidTokenError as exc:
        raise Refused(str(exc)) from None
    return found
