"""A token service for a registry: two ways to ask, and tokens that the registry can verify."""

import base64
import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from served import answered_by

REFRESH = "identity-of-alice"


class Issuer:
    """Signs with openssl. `rights` is what the user may do; `asked` are the scopes of requests."""

    def __init__(self, place: Path, user: str, password: str) -> None:
        self.url = ""
        self.rights = {"pull", "push", "delete"}
        self.asked: list[tuple[str, str]] = []
        self.user = user
        self.expect(password)
        self._key = place / "issuer.key"
        self._certificate = place / "issuer.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout",
             self._key, "-out", self._certificate, "-subj", "/CN=lk-auth"],
            check=True, capture_output=True,
        )  # fmt: skip

    def expect(self, password: str) -> None:
        """From now on it is the user's password."""
        self.basic = "Basic " + base64.b64encode(f"{self.user}:{password}".encode()).decode()

    def token(self, repository: str, actions: Sequence[str]) -> str:
        now = int(time.time())
        body = "".join(self._certificate.read_text().splitlines()[1:-1])
        access = [{"type": "repository", "name": repository, "actions": [*actions]}]
        claims = {"iss": "lk-auth", "aud": "lk-registry", "sub": "alice", "iat": now,
                  "nbf": now - 5, "exp": now + 300, "jti": uuid4().hex,
                  "access": access if repository else []}  # fmt: skip
        start = f"{encode({'alg': 'RS256', 'typ': 'JWT', 'x5c': [body]})}.{encode(claims)}"
        signed = subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", self._key],
            input=start.encode(), check=True, capture_output=True,
        )  # fmt: skip
        return f"{start}.{base64.urlsafe_b64encode(signed.stdout).decode().rstrip('=')}"

    def answer(self, method: str, scope: str) -> str:
        self.asked.append((method, scope))
        _, _, rest = scope.partition(":")
        repository, _, actions = rest.partition(":")
        return self.token(repository, sorted(self.rights & {*actions.split(",")}))

    @contextmanager
    def running(self) -> Iterator["Issuer"]:
        with answered_by(handler(self)) as host:
            self.url = f"http://{host}/token"
            yield self


def encode(data: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")


def handler(issuer: Issuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            allowed = self.headers.get("Authorization") == issuer.basic
            self.reply(allowed, "token", "GET", query)

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            form = parse_qs(self.rfile.read(length).decode())
            allowed = form.get("refresh_token") == [REFRESH]
            self.reply(allowed, "access_token", "POST", form)

        def reply(self, allowed: bool, name: str, method: str, asked: dict[str, list[str]]) -> None:
            scope = asked.get("scope", [""])[0]
            text = issuer.answer(method, scope) if allowed else ""
            body = json.dumps({name: text, "expires_in": 300} if allowed else {}).encode()
            self.send_response(200 if allowed else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            pass

    return Handler
