"""A server that answers whatever it is told to, for what asks others over HTTP."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .altered import chance_of

STATUSES = (200, 200, 200, 200, 201, 204, 302, 400, 401, 403, 404, 409, 410, 422, 429, 500, 503)
REST = 0.05
"""Seconds between two looks whether it is to end."""


@dataclass(frozen=True)
class Said:
    """One answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Answering(ThreadingHTTPServer):
    """It runs in threads of its own, so that its time is not that of who asks."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.headers: Mapping[str, str] = {}
        self.body = b""
        self.asked = 0
        """How often it was asked."""
        self.beside: Mapping[str, Said] = {}
        """What it answers at some paths whatever else it is told."""

    def handle_error(self, *_: object) -> None:
        """Nothing: who asks may hang up."""

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, text: str, body: bytes, headers: Sequence[str] = ()) -> None:
        """Answer from now on with a *body*; the *text* decides which status it has, and which of
        these *headers* it stands in itself.
        """
        chance = chance_of(text)
        self.status, self.body = chance.choice(STATUSES), body
        said = text[:3000].encode(errors="replace").decode("latin-1")
        clean = "".join(letter for letter in said if letter.isprintable())
        self.headers = {name: clean for name in headers if chance.random() < 0.3}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Answering

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        server = self.server
        server.asked += 1
        said = server.beside.get(self.path.partition("?")[0])
        said = said or Said(server.status, server.headers, server.body)
        body = b"" if said.status in {204, 304} else said.body
        self.send_response_only(said.status)
        for name, value in {"Content-Type": "application/json", **said.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - its names

    def log_message(self, *_: object) -> None:
        """Nothing: it is asked very often."""


@contextmanager
def answering() -> Iterator[Answering]:
    """One that answers as long as the context lasts."""
    with Answering() as server:
        thread = threading.Thread(target=server.serve_forever, args=(REST,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
