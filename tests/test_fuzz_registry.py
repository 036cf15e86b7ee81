"""Whatever a registry and its token service answer, it is told, or it is an answer."""

import asyncio
import gzip
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest
from fuzzing.altered import altered, chance_of
from fuzzing.answering import Answering, Said, answering
from fuzzing.trial import HEAVY, tried

from launchkit.aio.retry import Backoff
from launchkit.images.registries import client as registries
from launchkit.images.registries.names import is_loopback
from launchkit.images.registries.probe import RegistryProbe, open_probe
from launchkit.model import Credentials, Secret

LOGIN = Credentials(username="u", password=Secret("p"))
TOKEN = {"token": "abc", "access_token": "d", "expires_in": 300, "issued_at": "2030-01-01"}
FAULTS = {"errors": [{"code": "DENIED", "message": "no", "detail": [{"Type": "repository"}]}]}
HEADERS = ("Docker-Content-Digest", "Content-Type", "Content-Encoding", "Link", "Retry-After")
CHALLENGES = (
    'Bearer realm="{url}/token",service="s",scope="repository:p:pull,push"',
    'Basic realm="x", Bearer realm="{url}/token?a=b"',
    'Bearer realm="{url}/token{text}", error="invalid_token"',
    'Bearer {text} realm="{url}/token" {text}',
    'Bearer realm="{url}{text}"',
    'Basic realm="{text}"',
    "{text}",
)


@pytest.fixture
def server() -> Iterator[Answering]:
    with answering() as server:
        yield server


@pytest.fixture
def probe(
    server: Answering, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[asyncio.Runner, RegistryProbe]]:
    """It does not ask again."""
    monkeypatch.setattr(registries, "PAUSES", ())
    monkeypatch.setattr(registries, "BACKOFF", Backoff(deadline=0.0))

    async def login(_host: str) -> Credentials:
        return LOGIN

    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        made = runner.run(open_probe(stack, None, login, is_loopback))
        runner.run(made.find(f"{host_of(server)}/p:t"))  # so that it is known to have no TLS
        yield runner, made
        runner.run(stack.aclose())


def host_of(server: Answering) -> str:
    return server.url.removeprefix("http://")


def header(text: str) -> str:
    """A text as far as it can stand in a header."""
    said = text[:3000].encode(errors="replace").decode("latin-1")
    return "".join(letter for letter in said if letter.isprintable())


def told(server: Answering, text: str) -> None:
    """What the server answers from now on, and its token service, which is often asked."""
    chance = chance_of(text)
    body = json.dumps(altered(chance.choice((TOKEN, FAULTS)), text)).encode()
    if len(text) % 5 == 0:
        body = text.encode(errors="replace")
    asks = chance.choice(CHALLENGES).format(url=server.url, text=header(text))
    odd = {"WWW-Authenticate": asks}
    if chance.random() < 0.1:
        body = gzip.compress(body, compresslevel=1)[: chance.choice((None, -3))]
        odd["Content-Encoding"] = "gzip"
    if chance.random() < 0.1:
        odd["Location"] = f"{server.url}/{header(text)}"
    server.answer(text, body, HEADERS)
    server.headers = {**server.headers, **odd}
    server.beside = {}
    if chance.random() < 0.7:
        status = chance.choice((200, 200, 200, 200, 401, 404, 503))
        server.beside = {"/token": Said(status, {}, body)}
        server.status = 401


def test_fuzz_what_a_registry_answers_is_an_answer_or_told(
    server: Answering, probe: tuple[asyncio.Runner, RegistryProbe]
) -> None:
    runner, made = probe
    host = host_of(server)

    async def asked(text: str) -> None:
        tag = "t" if len(text) % 9 else text[:200]
        if chance_of(text).random() < 0.5:
            await made.find(f"{host}/p:{tag}")
        else:
            await made.examine(host, "p", LOGIN, pushes=True)

    def read(text: str) -> None:
        told(server, text)
        runner.run(asked(text))

    tried("answers of a registry", read, share=HEAVY)
