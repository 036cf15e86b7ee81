"""Answers to a token of Entra ID that are no login: a server that gives them."""

import base64
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest
from launchkit_azure.acr_login import AcrLogins
from launchkit_azure.tokens import Token
from served import answered_by

from launchkit.aio.http import http_client
from launchkit.errors import LaunchError
from launchkit.images.registries.client import RegistryClient
from launchkit.images.registries.names import is_loopback
from launchkit.model import Credentials

CLAIMS = base64.urlsafe_b64encode(b'{"exp": NaN}').decode()


@contextmanager
def saying(body: bytes) -> Iterator[str]:
    """A registry that says one thing."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            pass

    with answered_by(Handler) as host:
        yield host


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"[" * 200_000,
        b'{"refresh_token": 1}',
        b'{"refresh_token": null}',
        b'{"refresh_token": ["a"]}',
        json.dumps({"refresh_token": f"a.{CLAIMS}.b"}).encode(),
    ],
    ids=range(6),
)
async def test_an_answer_that_is_no_login_is_told(body: bytes) -> None:
    async def token() -> Token:
        return Token.of("a", 0)

    async def nobody(_: str) -> Credentials | None:
        return None

    logins = AcrLogins(token, lambda host, token: "")
    with saying(body) as host:
        async with http_client(ssl.create_default_context()) as client:
            asking = RegistryClient(client=client, logins=nobody, plain=is_loopback)
            with pytest.raises(LaunchError, match="is no login"):
                await logins.get(host, asking)
