"""Registries that answer 401 for a repository that is not there yet."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from launchkit.builtin.oci.registry import OciRegistry
from launchkit.errors import LaunchError
from launchkit.model import Secret
from launchkit.testing import site_at, started


@contextmanager
def hiding_registry(objection: str) -> Iterator[str]:
    """Gives tokens, and refuses them for each manifest, with *objection* in its challenge."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            given = self.headers.get("Authorization", "")
            if self.path.startswith("/token"):
                self.reply(200, b'{"token": "good"}')
            elif self.path == "/v2/" and given:
                self.reply(200)
            else:
                self.reply(401, challenge=objection if given else "")

        def reply(self, status: int, body: bytes = b"", challenge: str | None = None) -> None:
            self.send_response(status)
            if challenge is not None:
                realm = f'realm="http://{self.headers["Host"]}/token"'
                self.send_header("WWW-Authenticate", f'Bearer {realm},service="r"{challenge}')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def exists(host: str, path: Path) -> bool:
    registry = OciRegistry(uri=f"{host}/team/fresh", username="ann", password=Secret("s3cret"))
    async with site_at(path) as site, started(registry, site):
        return await registry.exists(f"{host}/team/fresh:1")


async def test_a_good_token_that_is_refused_without_a_word_means_that_nothing_is_there(
    tmp_path: Path,
) -> None:
    with hiding_registry("") as host:
        assert await exists(host, tmp_path) is False


async def test_a_token_that_lacks_a_right_is_an_error(tmp_path: Path) -> None:
    with (
        hiding_registry(',error="insufficient_scope"') as host,
        pytest.raises(LaunchError, match="does not say whether it has"),
    ):
        await exists(host, tmp_path)
