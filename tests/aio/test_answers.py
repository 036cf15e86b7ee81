"""Answers of servers that say more than anybody wants to hear: real servers that do so."""

import gzip
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler

import httpx
import pytest
from served import answered_by
from waiting import PATIENCE

from launchkit.aio.answers import AnswerTooLong, whole_answer
from launchkit.aio.http import http_client

LONGEST = 100_000
BOMB = gzip.compress(bytes(1000 * LONGEST))


class Handler(BaseHTTPRequestHandler):
    """Answers with what the path names."""

    def do_GET(self) -> None:
        endless = self.path.startswith("/endless")
        self.send_response(307 if self.path == "/endless-redirect" else 200)
        for name, text in {
            "/endless-redirect": {"Location": "/packed"},
            "/packed": {"Content-Encoding": "gzip"},
            "/bomb": {"Content-Encoding": "gzip"},
            "/twice": {"Content-Encoding": "gzip, gzip"},
            "/broken": {"Content-Encoding": "gzip"},
        }.get(self.path, {}).items():
            self.send_header(name, text)
        self.end_headers()
        with suppress(OSError):  # who asked has hung up
            self.wfile.write(
                {
                    "/packed": gzip.compress(b"said"),
                    "/bomb": BOMB,
                    "/twice": gzip.compress(BOMB),
                    "/broken": b"no gzip",
                }.get(self.path, b"said")
            )
            while endless:
                self.wfile.write(bytes(LONGEST))

    def do_HEAD(self) -> None:
        with suppress(OSError):
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while True:
                self.wfile.write(b"A: b\r\n")
                time.sleep(0.01)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(307)
        self.send_header("Location", "/packed")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with answered_by(Handler) as host:
        yield f"http://{host}"


async def answer(url: str) -> httpx.Response:
    async with http_client(ssl.create_default_context()) as client:
        return await whole_answer(client, client.build_request("GET", url), LONGEST)


@pytest.mark.parametrize("path", ["plain", "packed", "endless-redirect"])
async def test_an_answer_is_read_whole_wherever_it_is(url: str, path: str) -> None:
    """Nothing is read of the answer that leads there."""
    assert (await answer(f"{url}/{path}")).content == b"said"


async def test_what_has_a_body_is_sent_nowhere_else(url: str) -> None:
    async with http_client(ssl.create_default_context()) as client:
        asking = client.build_request("POST", url, data={"refresh_token": "hush"})
        assert (await whole_answer(client, asking, LONGEST)).status_code == 307


async def test_an_answer_leads_from_tls_to_tls_alone(url: str) -> None:
    """What keeps TLS here is a transport that says that it is there."""
    places = {"https": httpx.Response(302, headers={"Location": f"{url}/plain"})}
    transport = httpx.MockTransport(lambda request: places[request.url.scheme])
    async with httpx.AsyncClient(transport=transport, timeout=PATIENCE) as client:
        with pytest.raises(httpx.RequestError, match="where there is no TLS"):
            await whole_answer(client, httpx.Request("GET", "https://x.example"), LONGEST)


@pytest.mark.parametrize("path", ["endless", "bomb"])
async def test_of_an_answer_that_is_too_long_no_more_is_read_than_is_wanted(
    url: str, path: str
) -> None:
    with pytest.raises(AnswerTooLong, match="has more than 100000 bytes"):
        await answer(f"{url}/{path}")


@pytest.mark.parametrize("path", ["twice", "broken"])
async def test_what_is_packed_in_no_way_that_was_asked_for_is_not_unpacked(
    url: str, path: str
) -> None:
    with pytest.raises(httpx.DecodingError):
        await answer(f"{url}/{path}")


async def test_headers_that_come_one_by_one_have_an_end_in_time(url: str) -> None:
    async with http_client(ssl.create_default_context(), timeout=PATIENCE) as client:
        asking = client.build_request("HEAD", url)
        with pytest.raises(httpx.ReadTimeout, match=r"not there after 0\.1 seconds"):
            await whole_answer(client, asking, LONGEST, seconds=0.1)
