"""Registries that say no for now, or are no registries: real HTTP servers that answer so."""

import gzip
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from served import answered_by

from launchkit.aio.http import http_client
from launchkit.builtin.oci.registry import OciRegistry
from launchkit.errors import LaunchError, unwrapped
from launchkit.images.registries.checkup import examine
from launchkit.images.registries.client import MAX_ANSWER, RegistryClient
from launchkit.images.registries.names import is_loopback
from launchkit.model import Secret
from launchkit.testing import site_at, started

Answer = tuple[int, dict[str, str]]
DIGEST = {"Docker-Content-Digest": f"sha256:{'b' * 64}"}


@contextmanager
def answering(answers: Sequence[Answer], body: bytes = b"") -> Iterator[tuple[str, list[str]]]:
    """A server that gives one answer after another, the last one for ever; what was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            status, headers = answers[min(len(asked), len(answers) - 1)]
            asked.append(f"{self.command} {self.path}")
            self.send_response(status)
            for name, text in headers.items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                with suppress(OSError):  # who asked has hung up
                    self.wfile.write(body)

        def do_HEAD(self) -> None:
            self.answer()

        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def do_DELETE(self) -> None:
            self.answer()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            pass

    with answered_by(Handler) as host:
        yield host, asked


async def digest(host: str, tmp_path: Path) -> str | None:
    registry = OciRegistry(uri=f"{host}/a/b")
    with unwrapped():
        async with site_at(tmp_path) as site, started(registry, site):
            return await registry.digest(registry.image_ref("v1"))


async def test_a_registry_that_says_when_to_come_back_is_asked_again(tmp_path: Path) -> None:
    answers = [(429, {"Retry-After": "0"}), (429, {"Retry-After": "0"}), (200, DIGEST)]
    with answering(answers) as (host, asked):
        assert await digest(host, tmp_path) == DIGEST["Docker-Content-Digest"]
    assert asked == ["HEAD /v2/a/b/manifests/v1"] * 3


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((429, {"Retry-After": "3600"}), "too many requests; it wants 3600 more seconds"),
        ((503, {}), "answers with HTTP 503"),
        ((403, {}), "does not say whether it has .*/a/b:v1"),
        ((401, {"WWW-Authenticate": 'Basic realm="x"'}), "does not say whether it has"),
        ((302, {"Location": "/again"}), "sends requests around in a circle"),
        ((401, {"WWW-Authenticate": 'Bearer realm="http://a:x/"'}), "has no valid URL"),
        (
            (401, {"WWW-Authenticate": 'Bearer realm="http://auth.example.com/token"'}),
            "its token service auth.example.com has no TLS",
        ),
        ((401, {"WWW-Authenticate": 'Bearer realm="HERE/token"'}), "does not accept requests"),
    ],
)
async def test_an_answer_that_does_not_help_is_told(
    answer: Answer, message: str, tmp_path: Path
) -> None:
    headers = dict(answer[1])
    with answering([(answer[0], headers)]) as (host, _):
        for name, text in headers.items():
            headers[name] = text.replace("HERE", f"http://{host}")
        with pytest.raises(LaunchError, match=message):
            await digest(host, tmp_path)


@pytest.mark.parametrize(
    "body", [b"", b'{"token": "caf\xc3\xa9"}', b'{"token": "a\\n"}', b'{"token": 5}']
)
async def test_a_token_service_that_gives_no_token_is_told(tmp_path: Path, body: bytes) -> None:
    headers: dict[str, str] = {}
    with answering([(401, headers), (200, {})], body) as (host, _):
        headers["WWW-Authenticate"] = f'Bearer realm="http://{host}/token"'
        with pytest.raises(LaunchError, match="gave an answer without a token"):
            await digest(host, tmp_path)


@pytest.mark.parametrize(
    "body",
    [
        '{"token": "a\\nb"}',
        '{"token": "\\u043a"}',
        '{"token": {"a": 1}}',
        '{"token": ["a"]}',
        '["token"]',
        '{"token": "a b"}',
        "[" * 200_000,
        f'{{"token": "{"a" * 70_000}"}}',
    ],
    ids=range(8),
)
async def test_a_token_that_no_header_can_have_is_none(tmp_path: Path, body: str) -> None:
    headers: dict[str, str] = {}
    with answering([(401, headers), (200, {})], body.encode()) as (host, _):
        headers["WWW-Authenticate"] = f'Bearer realm="http://{host}/token"'
        with pytest.raises(LaunchError, match="gave an answer without a token"):
            await digest(host, tmp_path)


async def test_who_a_registry_leads_to_does_not_ask_for_its_login(tmp_path: Path) -> None:
    challenge, headers = dict[str, str](), dict[str, str]()
    with answering([(401, challenge)]) as (other, asked), answering([(307, headers)]) as (host, _):
        headers["Location"] = f"http://{other}/stored"
        challenge["WWW-Authenticate"] = f'Bearer realm="http://{other}/token"'
        registry = OciRegistry(uri=f"{host}/a/b", username="me", password=Secret("hush"))
        async with site_at(tmp_path) as site, started(registry, site):
            with pytest.raises(LaunchError, match="does not say whether it has"):
                await registry.digest(registry.image_ref("v1"))
    assert asked == ["HEAD /stored"]


async def test_an_upload_that_another_host_is_said_to_have_is_not_taken_back() -> None:
    begun: dict[str, str] = {}
    context = ssl.create_default_context()

    async def login(_: str) -> None:
        return None

    told = [(200, {}), (404, {}), (202, begun)] * 2
    with answering([(204, {})]) as (other, removed), answering(told) as (host, asked):
        async with http_client(context) as client:
            registries = RegistryClient(client=client, logins=login, plain=is_loopback)
            for place in (other, host):
                begun["Location"] = f"http://{place}/v2/images/gone"
                await examine(registries, host, "a/b", None, pushes=True)
    assert removed == []
    assert asked.count("DELETE /v2/images/gone") == 1


async def test_a_server_that_is_no_registry_is_told(tmp_path: Path) -> None:
    with answering([(404, {})]) as (host, _):
        registry = OciRegistry(uri=f"{host}/a")
        async with site_at(tmp_path) as site, started(registry, site):
            [finding] = await registry.check()
    assert finding.message == "GET /v2/ gives HTTP 404: this is no image registry"


@pytest.mark.parametrize("packed", [True, False])
async def test_of_a_registry_and_its_token_service_no_endless_answer_is_read(
    tmp_path: Path, packed: bool
) -> None:
    zeros = bytes(MAX_ANSWER + 1)
    headers = {"Content-Encoding": "gzip"} if packed else {}
    body = gzip.compress(zeros) if packed else zeros
    with answering([(200, headers)], body) as (host, _):
        registry = OciRegistry(uri=f"{host}/a")
        async with site_at(tmp_path) as site, started(registry, site):
            [finding] = await registry.check()
        assert "its answer has more than 4194304 bytes" in finding.message
        challenge = {"WWW-Authenticate": f'Bearer realm="http://{host}/token"'}
        with (
            answering([(401, challenge)]) as (asking, _),
            pytest.raises(LaunchError, match="its answer has more than 4194304 bytes"),
        ):
            await digest(asking, tmp_path)


async def test_a_login_to_somewhere_else_is_not_followed_by_a_redirect(tmp_path: Path) -> None:
    """A redirect is followed, as registries send to where they store, but without the login."""
    headers: dict[str, str] = {}
    with answering([(200, DIGEST)]) as (store, asked), answering([(307, headers)]) as (host, _):
        headers["Location"] = f"http://{store}/stored"
        assert await digest(host, tmp_path)
    assert asked == ["HEAD /stored"]


@pytest.mark.parametrize(
    "challenge", ['Basic realm="x"', 'Bearer realm="HERE/token"'], ids=["basic", "token"]
)
async def test_a_login_that_cannot_be_sent_is_told(tmp_path: Path, challenge: str) -> None:
    headers: dict[str, str] = {}
    with answering([(401, headers)]) as (host, _):
        headers["WWW-Authenticate"] = challenge.replace("HERE", f"http://{host}")
        registry = OciRegistry(uri=f"{host}/a/b", username="ann", password=Secret("\ud800"))
        with unwrapped():
            async with site_at(tmp_path) as site, started(registry, site):
                with pytest.raises(LaunchError, match="no text that can be sent"):
                    await registry.digest(registry.image_ref("v1"))


async def test_a_token_service_at_a_port_that_there_cannot_be_is_told(tmp_path: Path) -> None:
    headers = {"WWW-Authenticate": 'Bearer realm="http://127.0.0.1:99999/token"'}
    with (
        answering([(401, headers)]) as (host, _),
        pytest.raises(LaunchError, match="there is no port 99999"),
    ):
        await digest(host, tmp_path)
