"""Whatever an OpenID Connect provider answers, somebody is signed in by it, or told that not."""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import httpx
import pytest
from fuzzing.altered import altered, chance_of
from fuzzing.answering import Answering, answering
from fuzzing.trial import HEAVY, Parse, tried
from joserfc import jws
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import KeySet
from launchkit_server.oidc.attempts import Attempt, attempt_in
from launchkit_server.oidc.claims import person_of
from launchkit_server.oidc.provider import Provider
from launchkit_server.oidc.settings import OidcSettings

from launchkit.errors import Unreachable
from launchkit.model import Secret

CLIENT, NONCE = "launchkit", "n"
ISSUER = "https://id.example"
KEYS = KeySet.generate_key_set("RSA", 2048, count=1)


def test_fuzz_what_a_token_says_names_a_person_or_is_refused() -> None:
    settings = OidcSettings(issuer=ISSUER, client_id=CLIENT)
    claims = {
        "iss": ISSUER,
        "aud": [CLIENT],
        "sub": "s",
        "nonce": NONCE,
        "azp": CLIENT,
        "iat": int(time.time()),
        "exp": int(time.time()) + 600,
        "email": "ann@example.com",
        "email_verified": True,
    }

    def read(text: str) -> None:
        said = text if len(text) % 9 == 0 else json.dumps(altered(claims, text))
        header = {"alg": "RS256", "kid": text[:40].encode(errors="replace").decode()}
        if len(text) % 3:
            header.pop("kid")
        token = jws.serialize_compact(header, said.encode(errors="replace"), KEYS.keys[0])
        person = person_of(token, KEYS, settings, NONCE)
        f"{person.name} {person.subject}".encode()

    def cut(text: str) -> None:
        attempt_in(text)
        person_of(text, KEYS, settings, NONCE)

    tried("claims of a provider", unless_unknown(read))
    tried(
        "tokens of a provider",
        unless_unknown(cut),
        ("a.b.c", "e30.e30.", "eyJhbGciOiJub25lIn0.e30."),
    )


def unless_unknown(parse: Parse) -> Parse:
    def read(text: str) -> None:
        with suppress(InvalidKeyIdError):  # as it says
            parse(text)

    return read


@pytest.mark.parametrize("odd", ["\ud800", "\u0000", "é"])
def test_an_odd_attempt_in_a_cookie_can_be_looked_at(odd: str) -> None:
    kept = attempt_in(Attempt(state=odd, nonce=odd, verifier=Secret(odd), to=odd).cookie())
    assert kept is None or kept.state.encode() == odd.encode()


@pytest.fixture
def server() -> Iterator[Answering]:
    with answering() as server:
        yield server


@pytest.mark.parametrize(
    "changed",
    [
        {"token_endpoint_auth_methods_supported": 5, "jwks_uri": None},
        {"jwks_uri": "x\ud800"},
        {"jwks_uri": "http://127.0.0.1:99999/keys"},
        {"token_endpoint": "https:///token"},
        {"authorization_endpoint": ["x"]},
        {"authorization_endpoint": "javascript:alert()"},
        {"keys": [5]},
        {"keys": {"a": 1}},
        {"keys": [{"kty": []}]},
    ],
)
async def test_an_odd_document_is_told(server: Answering, changed: dict[str, Any]) -> None:
    document = {
        "issuer": server.url,
        "authorization_endpoint": f"{server.url}/authorize",
        "token_endpoint": f"{server.url}/token",
        "jwks_uri": f"{server.url}/keys",
        "keys": KEYS.as_dict(private=False)["keys"],
    }
    server.status, server.body = 200, json.dumps({**document, **changed}).encode()
    provider = Provider(OidcSettings(issuer=server.url, client_id=CLIENT))
    with pytest.raises(Unreachable) as caught:
        await provider.address(Attempt.new("/"), "https://me.example/done")
    caught.value.message.encode()


def test_fuzz_what_a_provider_answers_is_an_address_or_told(
    server: Answering,
) -> None:
    trust = httpx.create_ssl_context()  # once: reading certificates takes longer than all else
    document: Mapping[str, Any] = {
        "issuer": server.url,
        "authorization_endpoint": f"{server.url}/authorize?a=b",
        "token_endpoint": f"{server.url}/token",
        "jwks_uri": f"{server.url}/keys",
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "keys": KEYS.as_dict(private=False)["keys"],
        "id_token": "a.b.c",
        "error": "invalid_grant",
        "error_description": "no",
    }
    settings = OidcSettings(issuer=server.url, client_id=CLIENT)

    def read(text: str) -> None:
        body = json.dumps(altered(document, text)).encode()
        if len(text) % 7 == 0:
            body = text.encode(errors="replace")
        server.answer(text, body, ("Location",))
        provider, attempt = Provider(settings, trust), Attempt.new("/")
        call = chance_of(text).choice(
            (
                lambda: provider.address(attempt, "https://me.example/done"),
                lambda: provider.person(attempt, text, "https://me.example/done"),
            )
        )
        runner.run(call())

    with asyncio.Runner() as runner:
        tried("answers of a provider", read, share=HEAVY)
