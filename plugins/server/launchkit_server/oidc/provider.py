"""The provider: where it is asked, and what it says of a person."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import quote_plus, urlencode

import anyio
import anyio.to_thread
import httpx
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import KeySet
from pydantic_core import from_json

from launchkit.aio.answers import AnswerTooLong, read_whole
from launchkit.aio.http import SCHEMES, http_client, machine_trust
from launchkit.errors import ConfigError, LaunchkitError, Unauthenticated, Unreachable
from launchkit_server.oidc.attempts import Attempt
from launchkit_server.oidc.claims import Person, person_of
from launchkit_server.oidc.settings import HINT, OidcSettings, parts_of
from launchkit_server.oidc.shown_keys import keys_in

SECONDS = 10.0
"""How long the provider may take to answer, and to tell its document and its keys together."""
KEPT_SECONDS = 3600.0
"""How long its document and its keys are kept."""
REFUSED_SECONDS = 60.0
"""The same, where its keys are refused."""
MAX_ANSWER = 2**20
GZIP = {"accept-encoding": "gzip"}


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """What a provider's document says."""

    authorization: str
    token: str
    keys: str
    secret_in_body: bool
    """Whether it takes the client's secret in the body alone."""


Known: TypeAlias = tuple[Endpoints, KeySet]
Found: TypeAlias = tuple[Endpoints, KeySet | str]
"""The same, or why its keys are refused."""


@dataclass
class _Look:
    """Asking the provider, for all who came before that began."""

    failed: LaunchkitError | None = None


@dataclass
class Provider:
    """An OpenID Connect provider. Its document and keys are asked for when they are needed."""

    settings: OidcSettings
    trust: ssl.SSLContext = field(default_factory=machine_trust)
    """To read the certificates takes long, so make a provider beside all that is answered."""
    _found: Found | None = field(init=False, default=None)
    _until: float = field(init=False, default=0.0)
    _turn: anyio.Lock = field(init=False, default_factory=anyio.Lock)
    _next: _Look = field(init=False, default_factory=_Look)

    async def address(self, attempt: Attempt, redirect_uri: str) -> str:
        """Where the browser goes to sign in.

        :raises Unreachable: if the provider does not answer, or not as one.
        """
        endpoints, _ = await self._asked()
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": self.settings.scopes,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        joint = "&" if "?" in endpoints.authorization else "?"
        return f"{endpoints.authorization}{joint}{urlencode(query)}"

    async def person(self, attempt: Attempt, code: str, redirect_uri: str) -> Person:
        """Who has signed in there, for the *code* that the browser brought back.

        :raises Unauthenticated: if the provider does not take the code, or what it says is not so.
        :raises Unreachable: if it does not answer.
        """
        endpoints, _ = await self._asked()
        token = await self._redeem(endpoints, attempt, code, redirect_uri)
        for _ in range(2):
            _, keys = await self._asked()
            try:
                return await self._proved(token, keys, attempt)
            except InvalidKeyIdError:
                self._until = 0.0  # the provider has changed its keys
        raise Unauthenticated(f"{self.settings.host} signed with a key that it does not show")

    async def _proved(self, token: str, keys: KeySet, attempt: Attempt) -> Person:
        return await anyio.to_thread.run_sync(person_of, token, keys, self.settings, attempt.nonce)

    async def _redeem(
        self, endpoints: Endpoints, attempt: Attempt, code: str, redirect_uri: str
    ) -> str:
        own = self.settings
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": own.client_id,
            "code_verifier": str.__str__(attempt.verifier),
        }
        auth = None
        if own.client_secret is not None:
            secret = str.__str__(own.client_secret)
            if endpoints.secret_in_body:
                form["client_secret"] = secret
            else:
                auth = httpx.BasicAuth(quote_plus(own.client_id), quote_plus(secret))
        status, answer = await self._ask("POST", endpoints.token, data=form, auth=auth)
        if status >= 500:
            raise self._silent(f"answered {status}")
        token = answer.get("id_token")
        if status >= 400 or not isinstance(token, str):
            why = f"{answer.get('error', status)} {answer.get('error_description', '')}".strip()
            raise Unauthenticated(f"{own.host} does not take the code: {why[:300]}", hint=HINT)
        return token

    async def _asked(self) -> Known:
        """What is known of the provider. :raises Unreachable: if it is nothing, or of no use."""
        endpoints, keys = await self._kept()
        if isinstance(keys, str):
            raise self._silent(keys)
        return endpoints, keys

    async def _kept(self) -> Found:
        """What it says. Those who come while it is asked share what comes of that, and if that is
        nothing, what comes of asking once more.
        """
        mine = self._next
        async with self._turn:
            if self._found is not None and anyio.current_time() <= self._until:
                return self._found
            if mine.failed is None:
                self._next = _Look()
                try:
                    self._found = await self._look()
                except LaunchkitError as exc:
                    mine.failed = exc
                else:
                    is_refused = isinstance(self._found[1], str)
                    lasts = REFUSED_SECONDS if is_refused else KEPT_SECONDS
                    self._until = anyio.current_time() + lasts
                    return self._found
            raise mine.failed

    async def _look(self) -> Found:
        try:
            with anyio.fail_after(SECONDS):
                endpoints = await self._discover()
                return endpoints, await self._fetch_keys(endpoints.keys)
        except TimeoutError as exc:
            raise self._silent(f"took longer than {SECONDS:g} seconds") from exc

    async def _discover(self) -> Endpoints:
        url = f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration"
        status, found = await self._ask("GET", url)
        if status != 200:
            raise self._silent(f"{url} answered {status}")
        if found.get("issuer") != self.settings.issuer:
            itself = str(found.get("issuer"))[:200]
            raise ConfigError(
                f"oidc-issuer: is {self.settings.issuer}, and the provider calls itself {itself}"
            )
        methods = found.get("token_endpoint_auth_methods_supported")
        named = methods if isinstance(methods, list) and methods else ["client_secret_basic"]
        return Endpoints(
            authorization=self._endpoint(found, "authorization_endpoint"),
            token=self._endpoint(found, "token_endpoint"),
            keys=self._endpoint(found, "jwks_uri"),
            secret_in_body="client_secret_basic" not in named,
        )

    def _endpoint(self, document: Mapping[str, Any], name: str) -> str:
        found = document.get(name)
        if not isinstance(found, str) or parts_of(found).scheme not in SCHEMES:
            raise self._silent(f"its document names no address as {name}")
        return found

    async def _fetch_keys(self, url: str) -> KeySet | str:
        status, found = await self._ask("GET", url)
        if status != 200:
            raise self._silent(f"{url} answered {status}")
        try:
            return await anyio.to_thread.run_sync(keys_in, found)
        except ValueError as exc:
            return f"{url} answered {exc}"

    async def _ask(self, method: str, url: str, **options: Any) -> tuple[int, Mapping[str, Any]]:
        """The status and the JSON of an answer."""
        try:
            with anyio.fail_after(SECONDS):
                async with (
                    http_client(self.trust, most=MAX_ANSWER, timeout=SECONDS) as client,
                    client.stream(method, url, headers=GZIP, **options) as response,
                ):
                    await read_whole(response, MAX_ANSWER)
            found = from_json(response.content)
        except AnswerTooLong:
            raise self._silent(f"{url} answered more than {MAX_ANSWER} bytes") from None
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as exc:
            raise self._silent(str(exc) or type(exc).__name__) from exc
        except ValueError as exc:
            raise self._silent(f"{url} did not answer with JSON") from exc
        if not isinstance(found, dict):
            raise self._silent(f"{url} did not answer with an object")
        return response.status_code, found

    def _silent(self, why: str) -> Unreachable:
        return Unreachable(f"{self.settings.host}, where people sign in: {why}")
