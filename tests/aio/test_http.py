"""Clients of HTTP go by the proxies that the environment names, in all their forms."""

import gc
import ssl
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import certifi
import pytest
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.buffered import BufferedByteReceiveStream
from waiting import PATIENCE

from launchkit.aio.http import Exempt, http_client, machine_trust, require_authorities
from launchkit.errors import ConfigError

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK"
CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "AWS_CA_BUNDLE")
ROOT = Path(__file__).parents[2]
DOOR = ROOT / "launchkit/aio/http.py"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for scheme in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{scheme}_proxy", raising=False)
        monkeypatch.delenv(f"{scheme}_proxy".upper(), raising=False)


class Proxy:
    """Speaks HTTP/1.1 or, to who begins with it, SOCKS5 (RFC 1928, RFC 1929); answers itself."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    async def __call__(self, client: ByteStream) -> None:
        async with client:
            stream = BufferedByteReceiveStream(client)
            first = await stream.receive_exactly(1)
            if first == b"\x05":
                first = await self._greeted(client, stream)
            head = await stream.receive_until(b"\r\n\r\n", 65536)
            self.asked.append((first + head).partition(b" HTTP/1.1")[0])
            await client.send(ANSWER)

    async def _greeted(self, client: ByteStream, stream: BufferedByteReceiveStream) -> bytes:
        await stream.receive_exactly((await stream.receive_exactly(1))[0])
        await client.send(b"\x05\x00")
        _, _, _, kind = await stream.receive_exactly(4)
        length = (await stream.receive_exactly(1))[0] if kind == 3 else {1: 4, 4: 16}[kind]
        host = await stream.receive_exactly(length)
        port = int.from_bytes(await stream.receive_exactly(2), "big")
        self.asked.append(b"socks to %s:%d" % (host if kind == 3 else b"an address", port))
        await client.send(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        return b""


class Silent:
    """Lets others begin with TLS, also behind it as a proxy, and says nothing to it."""

    def __init__(self) -> None:
        self.greeted = anyio.Event()

    async def __call__(self, client: ByteStream) -> None:
        async with client:
            if (await client.receive()).startswith(b"CONNECT"):
                await client.send(b"HTTP/1.1 200 OK\r\n\r\n")
                await client.receive()
            self.greeted.set()
            await anyio.sleep_forever()


@asynccontextmanager
async def listening(proxy: Callable[[ByteStream], Awaitable[None]]) -> AsyncIterator[str]:
    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(listener.serve, proxy)
        yield f"127.0.0.1:{listener.extra(SocketAttribute.local_port)}"
        tasks.cancel_scope.cancel()


async def text_of(url: str) -> str:
    async with http_client(CONTEXT) as client:
        return (await client.get(url)).text


@pytest.mark.reported("F10a")
@pytest.mark.parametrize(
    ("variable", "value", "asked"),
    [
        ("HTTP_PROXY", "http://{}", [b"GET http://nobody.example/x"]),
        ("http_proxy", "{}", [b"GET http://nobody.example/x"]),
        ("ALL_PROXY", "http://{}", [b"GET http://nobody.example/x"]),
        ("ALL_PROXY", "socks5://{}", [b"socks to nobody.example:80", b"GET /x"]),
        ("ALL_PROXY", "socks5h://{}", [b"socks to nobody.example:80", b"GET /x"]),
    ],
)
async def test_a_request_goes_by_the_proxy_of_the_environment(
    variable: str, value: str, asked: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = Proxy()
    async with listening(proxy) as host:
        monkeypatch.setenv(variable, value.format(host))
        assert await text_of("http://nobody.example/x") == "OK"
    assert proxy.asked == asked


@pytest.mark.reported("F10c")
async def test_a_request_to_an_exempt_host_goes_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", f"fd00::/8,127.0.0.0/8,[::1]:8080,h:{'9' * 5000}")
    server = Proxy()
    async with listening(server) as host:
        assert await text_of(f"http://{host}/x") == "OK"
    assert server.asked == [b"GET /x"]


@contextmanager
def nothing_forgotten() -> Iterator[None]:
    """Python warns of a connection that was not closed before it was thrown away."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        yield
        gc.collect()
    assert [str(one.message) for one in told] == []


@pytest.mark.parametrize("by_proxy", [False, True], ids=["direct", "by a proxy"])
async def test_who_is_cancelled_while_tls_begins_leaves_no_connection_open(
    by_proxy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Silent()
    async with listening(server) as host:
        if by_proxy:
            monkeypatch.setenv("HTTPS_PROXY", f"http://{host}")
        with nothing_forgotten(), anyio.fail_after(PATIENCE):
            async with http_client(CONTEXT) as client, anyio.create_task_group() as tasks:
                address = "nobody.example" if by_proxy else host
                tasks.start_soon(client.get, f"https://{address}/x")
                await server.greeted.wait()
                tasks.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("text", "host", "port", "has"),
    [
        ("", "a.example", 80, False),
        ("*", "a.example", 80, True),
        ("x, *", "a.example", 80, True),
        ("example", "a.example", 80, True),
        (".example", "a.example", 80, True),
        ("*.example", "a.example", 80, True),
        ("A.Example", "a.EXAMPLE", 80, True),
        ("ample", "a.example", 80, False),
        ("a.example:8080", "a.example", 8080, True),
        ("a.example:8080", "a.example", 80, False),
        ("10.0.0.0/8", "10.1.2.3", 80, True),
        ("10.0.0.1/8", "10.1.2.3", 80, True),
        ("10.0.0.0/8", "11.1.2.3", 80, False),
        ("10.0.0.0/8", "10.example", 80, False),
        ("10.0.0.1", "10.0.0.1", 80, True),
        ("10.0.0.1:80", "10.0.0.1", 443, False),
        ("fd00::/8", "fd12::1", 80, True),
        ("fd00::/8", "fe12::1", 80, False),
        ("::1", "::1", 80, True),
        ("[::1]", "[::1]", 80, True),
        ("[::1]:8080", "::1", 8080, True),
        ("[::1]:8080", "::1", 80, False),
        ("10.0.0.0/99,%%,:80", "a.example", 80, False),
    ],
)
def test_who_is_exempt_is_read_as_other_programs_read_it(
    text: str, host: str, port: int, has: bool
) -> None:
    assert Exempt.of(text).has(host, port) is has


@pytest.mark.parametrize(
    "value", ["socks4://me:s3cret@p:1080", "http://me:s3cret@p:port", "me:s3cret@[::1", "://"]
)
async def test_a_proxy_that_makes_no_sense_is_named_without_its_password(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    with pytest.raises(ConfigError, match=r"^HTTPS_PROXY: ") as caught:
        http_client(CONTEXT)
    assert "s3cret" not in f"{caught.value}{caught.value.hint}"


@pytest.fixture
def _no_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in AUTHORITIES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("_no_authorities")
@pytest.mark.parametrize("name", AUTHORITIES)
@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("nothing", "No such file or directory"),
        ("no\x1b[2Jthing", "No such file or directory"),
        ("folder", "Is a directory"),
        ("plain.txt", "has no certificate in it"),
    ],
)
def test_a_variable_that_names_no_authorities_is_told_with_what_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, place: str, why: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "plain.txt").write_text("no certificate")
    monkeypatch.setenv(name, str(tmp_path / place))
    if name == "SSL_CERT_DIR":
        if place == "folder":
            require_authorities(name)
            return
        why = "Not a directory"
    with pytest.raises(ConfigError) as told:
        require_authorities(name)
    shown = str(tmp_path / place).replace("\x1b", "\\x1b")
    assert told.value.message == f"${name}: {shown}: {why}"
    assert name in (told.value.hint or "")


@pytest.mark.usefixtures("_no_authorities")
def test_those_are_trusted_whom_the_first_variable_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert machine_trust().get_ca_certs()
    monkeypatch.setenv("SSL_CERT_DIR", f"{tmp_path}/nothing:{tmp_path}")
    assert machine_trust().get_ca_certs() == []
    monkeypatch.setenv("SSL_CERT_DIR", "nothing")
    monkeypatch.setenv("SSL_CERT_FILE", certifi.where())
    assert machine_trust().get_ca_certs()


@pytest.mark.parametrize("made", ["create_ssl_context", "httpx.AsyncClient("])
def test_clients_of_http_are_made_by_one_door_alone(made: str) -> None:
    sources = (*ROOT.glob("launchkit/**/*.py"), *ROOT.glob("plugins/*/launchkit_*/**/*.py"))
    assert [one for one in sources if made in one.read_text()] == [DOOR]
