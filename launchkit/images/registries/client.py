"""Requests to registries: over TLS where there is, with a login, patient when told to wait."""

import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import anyio
import httpx

from launchkit.abc import MayNotRead
from launchkit.aio.answers import AnswerTooLong, whole_answer
from launchkit.aio.http import machine_trust
from launchkit.aio.retry import Backoff, retry, retry_after_of
from launchkit.errors import LaunchError
from launchkit.images.registries.auth import (
    Challenge,
    Token,
    basic,
    parse_challenges,
    read_token,
    token_request,
)
from launchkit.images.registries.names import api_host
from launchkit.model import Credentials

BACKOFF = Backoff(first=1.0, cap=30.0, deadline=60.0)
"""How a request waits because the registry says that there are too many."""

QUESTIONS = frozenset({"GET", "HEAD"})
PAUSES = (0.1, 0.4)
"""Seconds before a question is asked again whose connection broke, such as one that was kept open
for too long. That a registry is away is told soon.
"""

MAX_ANSWER = 4 << 20
"""Bytes of an answer that are read: a manifest has fewer, and a token much fewer."""

DENIED = frozenset({httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN})
LOGIN_HINT = "check the user name and the password; `docker login` uses the same"

Logins = Callable[[str], Awaitable[Credentials | None]]


class ConnectionBroken(LaunchError):
    """The registry cannot be reached, or hung up."""


class TooManyRequests(LaunchError):
    """The registry wants to be left alone, for *retry_after* seconds if it says so."""

    def __init__(self, host: str, retry_after: float | None) -> None:
        wish = "" if retry_after is None else f"; it wants {retry_after:g} more seconds of silence"
        super().__init__(
            f"registry {host}: too many requests{wish}",
            hint="try again later; a login often has a higher limit than none",
        )
        self.retry_after = retry_after


@dataclass(frozen=True, kw_only=True)
class RegistryRequest:
    """One request: `actions` on the repository `path` of `host` are what it needs a token for."""

    method: str
    host: str
    target: str
    path: str = ""
    actions: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def scope(self) -> str:
        """The scope of a token that allows it."""
        return f"repository:{self.path}:{self.actions}" if self.path else ""


@dataclass(kw_only=True)
class RegistryClient:
    """Carries requests to registries. *plain* tells whether a host may be asked without TLS."""

    client: httpx.AsyncClient
    logins: Logins
    plain: Callable[[str], bool]
    login_hint: str = LOGIN_HINT
    """What to do if a login is not accepted."""
    _bases: dict[str, str] = field(default_factory=dict)
    _tokens: dict[tuple[str, str, Credentials | None], Token] = field(
        default_factory=dict, repr=False
    )

    async def send(self, request: RegistryRequest) -> httpx.Response:
        """Send, and once more with what the registry's challenge wants.

        :raises LaunchError: if there is no answer, none that helps, or the login is refused.
        """
        base = await self.base(request.host)
        url = httpx.URL(base).join(request.target)
        response = await self.ask(httpx.Request(request.method, url, headers=request.headers))
        if response.status_code != httpx.codes.BAD_REQUEST:  # which may be for the lack of TLS
            self._bases[request.host] = base
        is_its_own = _same_origin(base, url) and _same_origin(base, response.url)
        if response.status_code != httpx.codes.UNAUTHORIZED or not is_its_own:
            return response
        login = await self.logins(request.host)
        try:
            header = await self._authorization(response, request, login)
        except UnicodeEncodeError as exc:
            raise LaunchError(
                f"registry {request.host}: its login is no text that can be sent",
                hint=self.login_hint,
            ) from exc
        if header is None:
            return response
        headers = {**request.headers, "Authorization": header}
        response = await self.ask(httpx.Request(request.method, url, headers=headers))
        if response.status_code == httpx.codes.UNAUTHORIZED:
            self._tokens.clear()  # one may have been revoked; the next request gets another
        return response

    async def _authorization(
        self, response: httpx.Response, request: RegistryRequest, login: Credentials | None
    ) -> str | None:
        """What answers the challenge; None if nothing does."""
        challenges = {
            one.scheme: one
            for one in parse_challenges(response.headers.get("www-authenticate", ""))
        }
        bearer = challenges.get("bearer")
        if bearer and bearer.parameters.get("realm"):
            return f"Bearer {str.__str__((await self._token(bearer, request, login)).text)}"
        if "basic" in challenges and login and not login.is_identity:
            return basic(login)
        return None

    async def _token(
        self, challenge: Challenge, request: RegistryRequest, login: Credentials | None
    ) -> Token:
        scope = request.scope or challenge.parameters.get("scope", "")
        key = (request.host, scope, login)
        kept = self._tokens.get(key)
        if kept and kept.until > time.time():
            return kept
        try:
            asking = token_request(challenge, scope, login)
        except httpx.InvalidURL as exc:
            raise LaunchError(
                f"registry {request.host}: its token service has no valid URL"
            ) from exc
        if asking.url.scheme != "https" and not self.plain(asking.url.netloc.decode()):
            raise LaunchError(
                f"registry {request.host}: its token service {asking.url.host} has no TLS, so that"
                " it gets no login",
                hint="give the registry a token service with an https URL",
            )
        response = await self.ask(asking, again=True)
        if response.status_code in {400, *DENIED}:
            raise MayNotRead(
                f"registry {request.host}: its token service {asking.url.host} does not accept"
                f" {_whose(login)} (HTTP {response.status_code})",
                hint=self.login_hint,
            )
        token = read_token(response, f"registry {request.host}")
        now = time.time()
        self._tokens = {one: kept for one, kept in self._tokens.items() if kept.until > now}
        self._tokens[key] = token
        return token

    async def is_of(self, host: str, place: str) -> bool:
        """Whether a place that a host has named is its own. :raises httpx.InvalidURL: if none."""
        base = await self.base(host)
        return _same_origin(base, httpx.URL(base).join(place))

    async def base(self, host: str) -> str:
        """The start of the host's URLs. One that may lack TLS is asked whether it does."""
        if host in self._bases:
            return self._bases[host]
        secure = f"https://{api_host(host)}"
        if self.plain(host) and not await self._has_tls(secure):
            return f"http://{api_host(host)}"
        return secure

    async def _has_tls(self, base: str) -> bool:
        try:
            async with self.client.stream("GET", f"{base}/v2/"):
                pass  # whatever it says, it says it over TLS
        except httpx.ConnectError as exc:
            return _certificate_problem(exc) is not None
        except httpx.TransportError:
            return False
        return True

    async def ask(self, request: httpx.Request, *, again: bool = False) -> httpx.Response:
        """Send, again if there are too many requests, when the registry says or a while later.
        *again*: it does no harm to make the request twice, though it is no GET.

        :raises LaunchError: if there is no answer.
        """

        async def send() -> httpx.Response:
            response = await self._answer(request, again or request.method in QUESTIONS)
            if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
                told = retry_after_of(response.headers.get("retry-after"))
                raise TooManyRequests(request.url.host, told)
            return response

        response = await retry(send, on=TooManyRequests, backoff=BACKOFF)
        if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise LaunchError(
                f"registry {request.url.host}: answers with HTTP {response.status_code}",
                hint="the registry has a problem of its own; try again later",
            )
        return response

    async def _answer(self, request: httpx.Request, again: bool) -> httpx.Response:
        """Send; a question is asked again if the connection breaks."""
        for pause in PAUSES if again else ():
            with suppress(ConnectionBroken):
                return await self._once(request)
            await anyio.sleep(pause)
        return await self._once(request)

    async def _once(self, request: httpx.Request) -> httpx.Response:
        host = request.url.netloc.decode()
        try:
            return await whole_answer(self.client, request, MAX_ANSWER)
        except httpx.TimeoutException as exc:
            why, hint = "it does not answer in time", "check the network between here and it"
            raise LaunchError(f"registry {host}: {why}", hint=hint) from exc
        except AnswerTooLong as exc:
            hint = "is it a registry? a proxy may have answered in its place"
            raise LaunchError(f"registry {host}: {exc}", hint=hint) from exc
        except httpx.TooManyRedirects as exc:
            raise LaunchError(f"registry {host}: sends requests around in a circle") from exc
        except httpx.RequestError as exc:
            untrusted = _certificate_problem(exc)
            why = untrusted or str(exc) or type(exc).__name__
            error = LaunchError if untrusted else ConnectionBroken
            raise error(f"registry {host}: cannot be reached: {why}", hint=_advice(exc)) from exc


def tls_context(ca: str | None) -> ssl.SSLContext:
    """What the machine trusts, and the certificates in the file *ca* too. Reads files.

    :raises OSError: if the file cannot be read, or holds no certificate.
    :raises ConfigError: if the environment names authorities that are not there.
    """
    context = machine_trust()
    if ca:
        context.load_verify_locations(ca)
    return context


def _certificate_problem(exc: BaseException | None) -> str | None:
    while exc is not None:
        if isinstance(exc, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {exc.verify_message}"
        exc = exc.__cause__ or exc.__context__
    return None


def _advice(exc: BaseException) -> str:
    if _certificate_problem(exc):
        return "name the file with its certificate authority as `ca`"
    if "SSL" in str(exc):
        return "if it has no TLS, set `insecure: true`"
    return "check the name, the port, the network and HTTPS_PROXY"


def _same_origin(base: str, url: httpx.URL) -> bool:
    home = httpx.URL(base)
    return (home.scheme, home.netloc) == (url.scheme, url.netloc)


def _whose(login: Credentials | None) -> str:
    if login is None:
        return "requests without a login"
    return "the identity token" if login.is_identity else f"the login of {login.username!r}"
