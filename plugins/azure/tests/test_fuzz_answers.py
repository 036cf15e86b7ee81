"""Whatever a registry of Azure answers to a token of Entra ID, it is a login or told."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from fuzzing.altered import altered, chance_of
from fuzzing.answering import Answering, answering
from fuzzing.trial import HEAVY, tried
from launchkit_azure.acr_login import AcrLogins
from launchkit_azure.tokens import Token

from launchkit.aio.retry import Backoff
from launchkit.errors import LaunchError
from launchkit.images.registries import client as registries
from launchkit.images.registries.client import RegistryClient
from launchkit.images.registries.names import is_loopback
from launchkit.images.registries.probe import open_probe

CLAIMS = {"exp": time.time() + 3600, "tid": "t", "oid": "o", "appid": "a", "upn": "ann"}


def token_of(claims: str) -> str:
    part = base64.urlsafe_b64encode(claims.encode(errors="surrogatepass")).decode().rstrip("=")
    return f"e30.{part}.x"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answering]:
    """It is asked once for each thing."""
    monkeypatch.setattr(registries, "PAUSES", ())
    monkeypatch.setattr(registries, "BACKOFF", Backoff(deadline=0.0))
    with answering() as server:
        yield server


async def login(server: Answering, client: RegistryClient, claims: str) -> None:
    async def token() -> Token:
        return Token.of(token_of(claims), 1.0)

    logins = AcrLogins(token, lambda _, token: token.shown)
    found = await logins.get(server.url.removeprefix("http://"), client)
    str.__str__(found.password).encode("ascii")


@asynccontextmanager
async def opened() -> AsyncIterator[RegistryClient]:
    async with AsyncExitStack() as stack:

        async def none(_host: str) -> None:
            return None

        yield (await open_probe(stack, None, none, is_loopback)).client


def test_fuzz_what_a_registry_gives_for_a_token_is_a_login_or_told(server: Answering) -> None:
    def read(text: str) -> None:
        chance = chance_of(text)
        claims = json.dumps(altered(CLAIMS, text)) if len(text) % 5 else text
        answer = {"refresh_token": token_of(claims)}
        body = json.dumps(altered(answer, text) if chance.random() < 0.5 else answer)
        server.answer(text, body.encode() if len(text) % 7 else text.encode(errors="replace"))
        if chance.random() < 0.7:
            server.status = 200
        runner.run(login(server, client, claims))

    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        client = runner.run(stack.enter_async_context(opened()))
        try:
            tried("answers of Azure's registries", read, share=HEAVY)
        finally:
            runner.run(stack.aclose())


@pytest.mark.parametrize(
    "body",
    ["[" * 60_000, '{"refresh_token": "\\ud800"}', '{"refresh_token": 5}', "INF"],
    ids=["deep", "no text", "a number", "for ever"],
)
async def test_what_is_no_login_is_told(server: Answering, body: str) -> None:
    forever = json.dumps({"refresh_token": token_of('{"exp": Infinity}')})
    server.body = body.replace("INF", forever).encode()
    async with opened() as client:
        with pytest.raises(LaunchError, match="no login"):
            await login(server, client, "{}")
