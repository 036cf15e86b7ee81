"""Credentials of Google Cloud, and the tokens that they give; imported when one is needed for the
first time.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from functools import partial
from typing import Any, TypeVar

import anyio
import google.auth
import requests
from anyio.to_thread import run_sync
from google.auth import exceptions, impersonated_credentials
from google.auth.credentials import with_scopes_if_required
from google.auth.transport.requests import Request
from google.oauth2 import service_account

from launchkit.model import Secret
from launchkit.plain_text import shortened
from launchkit.shell_words import shell_command
from launchkit_gcp.errors import LOGIN_HINT, GcpAway, GcpError, NoLogin, told_by
from launchkit_gcp.places import GcpPlace

T = TypeVar("T")

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
TOKEN_SECONDS = 15.0
"""For which a request for a token may take."""
EARLY_SECONDS = 600.0
"""So long before its end a token is got anew. Metadata servers give the old one until 5 minutes
before: it is asked for again with each use then, at no cost.
"""
LEAST_SECONDS = 60.0
"""So long a token has to hold yet, if none can be got now."""
AT_ONCE = 4
NOT_FOUND = "Your default credentials were not found"
"""How google-auth begins to say what we say as well."""
if (_log := logging.getLogger("google.auth")).level == logging.NOTSET:
    _log.setLevel(logging.ERROR)  # it warns of what is raised and told anyway


@dataclass(frozen=True)
class Token:
    """What requests are made with, and the Unix time of its end."""

    text: Secret
    until: float
    quota_project: str | None = None
    """The project that requests of a person's credentials count for."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Those of a request; secret."""
        found = {"Authorization": f"Bearer {str.__str__(self.text)}"}
        return found | ({"X-Goog-User-Project": self.quota_project} if self.quota_project else {})


class GcpCredentials:
    """The default credentials of this machine, or those that a place names. What their library does
    it does in threads: it reads files, runs programs and waits for answers.
    """

    def __init__(self, place: GcpPlace) -> None:
        self._place = place
        self._made: Any = None
        self._turn = anyio.Lock()
        self._use = threading.Lock()
        self._limit = anyio.CapacityLimiter(AT_ONCE)

    async def made(self) -> Any:
        """Those of google-auth, as clients of Google's libraries take them.

        :raises GcpError: if there are none.
        """
        async with self._turn:
            return await self._held()

    async def token(self) -> Token:
        """One that is valid for some minutes more.

        :raises GcpError: if there is none.
        """
        async with self._turn:
            made = await self._held()
            if _until(made) < time.time() + EARLY_SECONDS:
                try:
                    await self._in_thread(partial(self._refresh, made))
                except NoLogin:
                    self._made = None
                    raise
                except GcpAway:
                    if _until(made) < time.time() + LEAST_SECONDS:
                        raise
            text = made.token if isinstance(made.token, str) else ""
            if not (text and text.isascii() and text.isprintable()):  # for a header
                self._made = None
                raise NoLogin("Google Cloud: what it gives for a token is none", hint=LOGIN_HINT)
            return Token(Secret(text), _until(made), made.quota_project_id)

    def distrust(self, token: Token) -> None:
        """Google does not accept a token: if it is still the last one, credentials are looked for
        anew, where others may be by now.
        """
        if self._made is not None and self._made.token == token.text:
            self._made = None

    @property
    def are_found(self) -> bool:
        """Whether there are any, as far as is known: a machine that is none of Google's may look
        for them in vain for a while.
        """
        return self._made is not None

    @property
    def account(self) -> str | None:
        """The email of whom they are, as far as they say, once they have given a token."""
        for name in ("service_account_email", "signer_email", "account"):
            email = getattr(self._made, name, None)
            if isinstance(email, str) and "@" in email:
                return email
        return None

    async def _held(self) -> Any:
        if self._made is None:
            self._made = await self._in_thread(self._make)
        return self._made

    def _make(self) -> Any:
        request = _request()
        found: Any
        if file := self._place.service_account_file:
            read = service_account.Credentials.from_service_account_file
            found = read(file, scopes=SCOPES)  # type: ignore[no-untyped-call]
        else:
            found, _ = google.auth.default(request=request)  # with scopes it asks for the project
            found = with_scopes_if_required(found, SCOPES)  # type: ignore[no-untyped-call]
        if not self._place.impersonate:
            return found
        email = self._place.impersonate
        path = f"/v1/projects/-/serviceAccounts/{email}:generateAccessToken"
        return impersonated_credentials.Credentials(  # type: ignore[no-untyped-call]
            source_credentials=found,
            target_principal=email,
            target_scopes=SCOPES,
            iam_endpoint_override=self._place.url("iamcredentials") + path,
        )

    def _refresh(self, made: Any) -> None:
        with self._use:  # one that nobody waits for any more may still be at it
            made.refresh(_request())

    async def _in_thread(self, act: Callable[[], T]) -> T:
        try:
            return await run_sync(act, abandon_on_cancel=True, limiter=self._limit)
        except Exception as exc:
            raise _told(exc, self._place) from exc


def _request() -> Any:
    session = requests.Session()
    session.max_redirects = 0  # what proves who asks stands in the body, which would go along
    return partial(Request(session), timeout=TOKEN_SECONDS)


def _until(made: Any) -> float:
    """The end of its token; 0: it has none."""
    if not made.token:
        return 0.0
    return float("inf") if made.expiry is None else made.expiry.replace(tzinfo=UTC).timestamp()


def _told(exc: Exception, place: GcpPlace) -> GcpError:
    """What google-auth, and what it reads, raises."""
    what = "Google Cloud: cannot get a token"
    said = _words(exc)
    if getattr(exc, "retryable", False) or _of_the_way(exc) or _of_the_way(exc.__cause__):
        return GcpAway(f"{what}: {said}", hint="check the network, HTTPS_PROXY and NO_PROXY")
    if isinstance(exc, exceptions.RefreshError) and place.impersonate:
        role = "--role=roles/iam.serviceAccountTokenCreator"
        words = ("iam", "service-accounts", "add-iam-policy-binding", place.impersonate, role)
        grant = shell_command("gcloud", *words)
        hint = f"let the agent's own account act as it: {grant} --member=…; or {LOGIN_HINT}"
        return NoLogin(f"{what} of {place.impersonate}: {said}", hint=hint)
    if place.service_account_file and not isinstance(exc, exceptions.RefreshError):
        file = place.service_account_file
        return NoLogin(f"service_account_file: {file}: {said}", hint=LOGIN_HINT)
    if isinstance(exc, exceptions.DefaultCredentialsError):
        why = "" if said.startswith(NOT_FOUND) else f": {said}"
        return NoLogin(f"Google Cloud: there are no credentials{why}", hint=LOGIN_HINT)
    return NoLogin(f"{what}: {said}", hint=LOGIN_HINT)


def _of_the_way(exc: BaseException | None) -> bool:
    return isinstance(exc, exceptions.TransportError)


def _words(exc: Exception) -> str:
    """What it says, in one line; the words of a service where it has added them."""
    if isinstance(exc, OSError) and exc.strerror:
        return exc.strerror
    first, *more = (str(one) for one in exc.args[:2] or (type(exc).__name__,))
    _, words = told_by(more[0].encode()) if more else ("", "")
    return shortened(" ".join(f"{first}{f': {words}' if words else ''}".split()), 500)
