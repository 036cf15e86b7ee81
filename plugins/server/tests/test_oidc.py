"""What a provider says of a person counts if it is said by it, to us, now, and of this attempt."""

import json
import ssl
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import KeySet
from launchkit_server.config import load_config
from launchkit_server.oidc.attempts import Attempt, attempt_in
from launchkit_server.oidc.claims import Person, person_of
from launchkit_server.oidc.opening import provider_of
from launchkit_server.oidc.provider import Provider
from launchkit_server.oidc.settings import OidcSettings, oidc_of
from waiting import PATIENCE

from launchkit.errors import ConfigError, Unauthenticated, Unreachable
from launchkit.model import Secret

from .identity_provider import CLIENT, SECRET, IdentityProvider, identity_provider

KEYS = KeySet.generate_key_set("RSA", 2048, count=1)
LONG = {"kty": "RSA", "n": "____" * 257, "e": "AQAB"}
SETTINGS = OidcSettings(issuer="https://id.example", client_id=CLIENT)
BACK = "http://127.0.0.1:1/sign-in/oidc/done"


@pytest.fixture
def there() -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        yield provider


def settings_for(there: IdentityProvider, **more: Any) -> OidcSettings:
    return OidcSettings(issuer=there.url, client_id=CLIENT, client_secret=Secret(SECRET), **more)


@pytest.fixture
def provider(there: IdentityProvider) -> Provider:
    return Provider(settings_for(there))


async def code_for(provider: Provider, attempt: Attempt, name: str = "ana@example") -> str:
    """The code that a browser brings back."""
    url = await provider.address(attempt, BACK)
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        answer = await client.post(url, data={"email": name})
    back = parse_qs(urlsplit(answer.headers["location"]).query)
    assert back["state"] == [attempt.state]
    return back["code"][0]


async def signed_in(provider: Provider) -> Person:
    attempt = Attempt.new("/")
    return await provider.person(attempt, await code_for(provider, attempt), BACK)


async def test_a_person_is_who_the_provider_says(
    provider: Provider, there: IdentityProvider
) -> None:
    person = await signed_in(provider)
    assert person == Person(issuer=there.url, subject="of ana@example", name="ana@example")


async def test_a_code_counts_once_and_for_the_browser_that_asked_for_it(
    provider: Provider,
) -> None:
    attempt, other = Attempt.new("/"), Attempt.new("/")
    code = await code_for(provider, attempt)
    with pytest.raises(Unauthenticated, match="invalid_grant"):
        await provider.person(other, code, BACK)
    code = await code_for(provider, attempt)
    await provider.person(attempt, code, BACK)
    with pytest.raises(Unauthenticated, match="does not take the code: invalid_grant"):
        await provider.person(attempt, code, BACK)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"iss": "https://elsewhere.example"}, "iss"),
        ({"aud": "another service"}, "aud"),
        ({"aud": [CLIENT, "another service"]}, "meant for others"),
        ({"aud": [CLIENT, "another service"], "azp": "another service"}, "azp"),
        ({"nonce": "of another attempt"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"exp": 1000000000}, "expired"),
        ({"exp": None}, "exp"),
        ({"iat": int(time.time()) + 86_400}, "iat|future"),
        ({"sub": ""}, "sub"),
        ({"sub": "x" * 256}, "names you by 256 characters"),
        ({"email": None}, "does not tell your email"),
        ({"email": ["ana@example"]}, "does not tell your email"),
        ({"email_verified": False}, "has not verified the address"),
        ({"email_verified": "false"}, "has not verified the address"),
        ({"email_verified": None}, "has not verified the address"),
    ],
)
async def test_what_does_not_hold_is_not_believed(
    provider: Provider, there: IdentityProvider, said: dict[str, Any], why: str
) -> None:
    there.said = said
    with pytest.raises(Unauthenticated, match=f"(?i){why}"):
        await signed_in(provider)


async def test_an_address_of_which_the_provider_says_nothing_is_not_vouched_for_unless_believed(
    there: IdentityProvider,
) -> None:
    assert (await signed_in(Provider(settings_for(there)))).vouched
    there.unsaid = {"email_verified"}
    assert not (await signed_in(Provider(settings_for(there)))).vouched
    assert (await signed_in(Provider(settings_for(there, believes_addresses=True)))).vouched
    assert (await signed_in(Provider(settings_for(there, claim="sub")))).vouched


@pytest.mark.parametrize("claim", ["preferred_username", "upn"])
async def test_an_address_is_vouched_for_in_no_other_way_where_another_claim_has_it(
    there: IdentityProvider, claim: str
) -> None:
    own, believed = (
        Provider(settings_for(there, claim=claim, believes_addresses=one)) for one in (False, True)
    )
    there.said = {claim: "ANA@example"}
    assert (await signed_in(own)).vouched, "it is the address that was verified"
    there.said = {claim: "ANA@example", "email_verified": False}
    for provider in (own, believed):
        with pytest.raises(Unauthenticated, match="has not verified the address"):
            await signed_in(provider)
    there.said = {claim: "admin@example"}
    assert not (await signed_in(own)).vouched, "another address is verified"
    assert (await signed_in(believed)).vouched
    there.said = {claim: "ana"}
    assert (await signed_in(own)).vouched, "it is no address"


@pytest.mark.parametrize(
    ("verified", "name"),
    [
        ("sa\N{LATIN SMALL LETTER LONG S}a@example", "sasa@example"),
        ("\N{KELVIN SIGN}im@example", "kim@example"),
        ("straße@example", "strasse@example"),
        ("É@example", "é@example"),
    ],
)
async def test_an_address_that_unicode_alone_folds_to_another_vouches_for_nobody(
    there: IdentityProvider, verified: str, name: str
) -> None:
    own = Provider(settings_for(there, claim="upn"))
    there.said = {"email": verified, "upn": name}
    assert not (await signed_in(own)).vouched


async def test_certificates_are_read_before_anybody_signs_in(
    there: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = Provider(settings_for(there))

    def read(*_: object, **__: object) -> None:
        raise AssertionError("they are read while all others wait")

    for how in ("load_verify_locations", "load_default_certs", "set_default_verify_paths"):
        monkeypatch.setattr(ssl.SSLContext, how, read)
    assert await provider.address(Attempt.new("/"), BACK)


async def test_new_keys_of_the_provider_are_fetched_when_they_are_needed(
    provider: Provider, there: IdentityProvider
) -> None:
    await signed_in(provider)
    there.new_keys()
    assert (await signed_in(provider)).name == "ana@example"


async def test_a_signature_by_another_key_of_the_same_name_is_not_believed(
    provider: Provider, there: IdentityProvider
) -> None:
    await signed_in(provider)
    known = there.keys.keys[0].kid
    there.new_keys()
    there.header = {"alg": "RS256", "kid": str(known)}
    with pytest.raises(Unauthenticated, match="does not hold"):
        await signed_in(provider)


async def test_of_the_keys_that_a_provider_shows_what_is_public_and_of_use_is_read(
    provider: Provider, there: IdentityProvider
) -> None:
    (own,) = there.keys.as_dict(private=False)["keys"]
    there.shown = [5, {"kty": "oct", "k": "AA"}, LONG, {"kty": "EC"}, {**own, "d": "AQAB"}]
    assert await signed_in(provider)


@pytest.mark.parametrize(
    ("shown", "why"),
    [
        ([], "without keys that prove a token"),
        ([LONG], "without keys that prove a token"),
        ([{"kty": "oct", "k": "AA"}], "without keys that prove a token"),
        ([{"kty": "oct", "k": "AA"}] * 101, "with 101 keys: there may be 100"),
    ],
    ids=["none", "long", "symmetric", "many"],
)
async def test_keys_that_are_refused_are_not_fetched_for_each_who_comes(
    provider: Provider, there: IdentityProvider, shown: list[Any], why: str
) -> None:
    there.shown = shown
    for _ in range(3):
        with pytest.raises(Unreachable, match=f"{there.url}/keys answered {why}"):
            await provider.address(Attempt.new("/"), BACK)
    assert there.looks == 1


async def test_keys_that_are_refused_are_asked_for_again_later(
    provider: Provider, there: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launchkit_server.oidc.provider.REFUSED_SECONDS", -1.0)
    there.shown = []
    with pytest.raises(Unreachable):
        await signed_in(provider)
    there.shown = None
    assert await signed_in(provider)


@pytest.mark.parametrize(
    "odd",
    [
        {"alg": "RS256", "crit": 5},
        {"alg": "RS256", "crit": [[]]},
        {"alg": ["RS256"]},
        {"alg": "\ud800"},
        ["alg"],
    ],
    ids=str,
)
def test_a_token_with_an_odd_head_is_not_believed(odd: object) -> None:
    token = f"{urlsafe_b64encode(json.dumps(odd).encode()).rstrip(b'=').decode()}.e30.AA"
    with pytest.raises(Unauthenticated, match="does not hold") as caught:
        person_of(token, KEYS, SETTINGS, "n")
    caught.value.message.encode()


def test_a_token_of_many_levels_is_not_believed() -> None:
    token = jws.serialize_compact({"alg": "RS256"}, b"[" * 30_000, KEYS.keys[0])
    with pytest.raises(Unauthenticated, match="does not hold"):
        person_of(token, KEYS, SETTINGS, "n")


async def test_a_provider_that_calls_itself_otherwise_is_refused(
    provider: Provider, there: IdentityProvider
) -> None:
    there.document = {"issuer": "https://elsewhere.example"}
    with pytest.raises(ConfigError, match=r"calls itself https://elsewhere\.example"):
        await signed_in(provider)


async def test_a_provider_that_is_away_is_named_and_asked_again_later(
    provider: Provider, there: IdentityProvider
) -> None:
    there.down = True
    with pytest.raises(Unreachable, match=r"where people sign in: .* answered 503"):
        await signed_in(provider)
    there.down = False
    assert await signed_in(provider)


async def test_where_nothing_listens_is_no_provider() -> None:
    settings = OidcSettings(issuer="http://127.0.0.1:9", client_id=CLIENT)
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9, where people sign in"):
        await Provider(settings).address(Attempt.new("/"), BACK)


def test_an_attempt_comes_back_from_its_cookie_and_odd_cookies_are_none() -> None:
    attempt = Attempt.new("/e/lab/queues?sort=name")
    assert attempt_in(attempt.cookie()) == attempt
    for odd in ("", "x", "é", "bnVsbA==", "WzEsMiwzLDRd", "WyJhIl0="):
        assert attempt_in(odd) is None


def test_settings_that_do_not_fit_are_refused_with_their_place(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    given = {
        "data": str(tmp_path),
        "oidc_issuer": "https://id.example",
        "oidc_client_id": CLIENT,
        "oidc_client_secret_file": str(secret),
    }
    for changed, why in (
        ({"oidc_issuer": "http://id.example"}, "is no https:// URL"),
        ({"oidc_issuer": "https://ann:hush@id.example"}, "'…@id.example' has a login"),
        ({"oidc_issuer": "http://ann:hush@localhost"}, "has a login"),
        ({"oidc_issuer": "http://localhost:99999"}, "is no https:// URL"),
        ({"oidc_issuer": f"https://id.example/{'x' * 500}"}, "oidc-issuer: has 519 characters"),
        ({"oidc_issuer": None}, "oidc-issuer: is missing"),
        ({"oidc_client_id": None}, "oidc-client-id: is missing"),
        ({"oidc_client_secret_file": str(tmp_path / "none")}, "none"),
    ):
        with pytest.raises(ConfigError, match=why):
            oidc_of(load_config({**given, **changed}, None, {}))
    settings = oidc_of(load_config(given, None, {"LAUNCHKIT_SERVER_OIDC_ADDS_PEOPLE": "true"}))
    assert settings is not None
    assert settings.adds_people
    assert settings.client_secret == "s3cret"
    assert "s3cret" not in repr(settings)


def test_a_service_without_a_provider_needs_nothing_that_looks_at_signatures() -> None:
    code = "import sys, launchkit_server.app, launchkit_server.cli; print('joserfc' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"


def test_a_provider_says_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "launchkit_server.oidc.provider", raising=False)
    monkeypatch.setitem(sys.modules, "joserfc.errors", None)
    given = {"oidc_issuer": "https://id.example.com", "oidc_client_id": "launchkit"}
    with pytest.raises(ConfigError, match="needs joserfc") as failure:
        provider_of(load_config(given, None, {}))
    assert failure.value.hint == "pip install 'launchkit-server[oidc]'"
