"""Proxies that the environment names."""

import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import httpx
import pytest
from anyio.abc import SocketAttribute, SocketStream

from launchkit.aio.proxies import environments_proxies, is_excepted
from launchkit.errors import ConfigError

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUEST_METHOD")


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@asynccontextmanager
async def server(name: str) -> AsyncIterator[str]:
    """Answers each request with its name and the first line of what it was asked."""

    async def answer(stream: SocketStream) -> None:
        async with stream:
            line = (await stream.receive()).partition(b"\r\n")[0]
            body = name.encode() + b" " + line
            head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
            await stream.send(head % len(body) + body)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, answer)
        port = listener.extra(SocketAttribute.local_port)
        yield f"127.0.0.1:{port}"
        tasks.cancel_scope.cancel()


async def asked(url: str) -> str:
    transport = environments_proxies(ssl.create_default_context())
    async with httpx.AsyncClient(transport=transport) as client:
        return (await client.get(url)).text


@pytest.mark.parametrize("variable", ["http_proxy", "ALL_PROXY"])
async def test_a_proxy_is_asked_unless_the_host_is_excepted(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with server("proxy") as proxy, server("host") as host:
        assert await asked(f"http://{host}/x") == "host GET /x HTTP/1.1"
        monkeypatch.setenv(variable, f"http://{proxy}")
        assert await asked(f"http://{host}/x") == f"proxy GET http://{host}/x HTTP/1.1"
        monkeypatch.setenv("NO_PROXY", "10.0.0.0/8, 127.0.0.0/8")
        assert await asked(f"http://{host}/x") == "host GET /x HTTP/1.1"


@pytest.mark.parametrize(
    ("host", "excepted", "is_so"),
    [
        ("127.0.0.1", "127.0.0.0/8", True),
        ("127.0.0.1", "10.0.0.0/8,192.168.0.0/16", False),
        ("::1", "[::1]/128", True),
        ("a.example.com", ".example.com", True),
        ("a.example.com", "example.com", True),
        ("anexample.com", "example.com", False),
        ("host", "*", True),
        ("10.0.0.7", "10.0.0.7", True),
        ("host", "127.0.0.0/8,,/", False),
    ],
)
def test_hosts_domains_and_networks_may_be_excepted(host: str, excepted: str, is_so: bool) -> None:
    assert is_excepted(host, 5000, excepted) is is_so


@pytest.mark.parametrize("variable", ["ALL_PROXY", "https_proxy"])
@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "ftp://127.0.0.1:1"])
def test_a_proxy_that_cannot_be_used_is_named_with_its_variable(
    variable: str, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, proxy)
    assert os.environ[variable]
    with pytest.raises(ConfigError, match=f"^{variable}: this proxy cannot be used") as caught:
        environments_proxies(ssl.create_default_context())
    assert "http://host:3128" in str(caught.value.hint)
