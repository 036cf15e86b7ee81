"""Signing in by a provider of identities: there, and back with a code."""

import hmac
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from launchkit.errors import LaunchkitError, NotFound, Unauthenticated, Unreachable
from launchkit.store.identities import AdmitBy
from launchkit_server.oidc.attempts import Attempt, attempt_in
from launchkit_server.oidc.settings import HINT
from launchkit_server.rates import place_of_sender
from launchkit_server.service import Service, TheService
from launchkit_server.strangers import let_others
from launchkit_server.web import sessions
from launchkit_server.web.addresses import address, own_path
from launchkit_server.web.pages.signing import sign_in_form

if TYPE_CHECKING:
    from launchkit_server.oidc.provider import Provider

log = logging.getLogger("launchkit.server")
router = APIRouter(prefix="/sign-in/oidc")

COOKIE = "launchkit_attempt"
ATTEMPT_SECONDS = 600
"""How long one may be at the provider."""
MAX_CODE = 4096


async def one_more_exchange(request: Request, service: TheService) -> AsyncIterator[None]:
    """A dependency that counts one who comes or goes by the provider, for as long as that is asked.

    :raises Unreachable: if as many from the same address are under way as may be, or of all.
    """
    with service.exchanges.of(place_of_sender(request.scope)):
        await let_others(request.scope)
        yield


ONE_MORE = Depends(one_more_exchange)


@router.get("", dependencies=[ONE_MORE])
async def go_there(request: Request, service: TheService) -> Response:
    """Send the browser to the provider."""
    provider, prefix = _provider(service), request.app.state.prefix
    to = own_path(request.query_params.get("next"), prefix)
    attempt = Attempt.new(to)
    try:
        there = await provider.address(attempt, _back(request))
    except LaunchkitError as exc:
        return _not_signed_in(request, service, to, exc)
    response = RedirectResponse(there, status_code=303)
    response.set_cookie(
        COOKIE,
        attempt.cookie(),
        max_age=ATTEMPT_SECONDS,
        path=address(prefix, "sign-in"),
        httponly=True,
        samesite="lax",  # the provider leads back from another site
        secure=request.url.scheme == "https",
    )
    return response


@router.get("/done", dependencies=[ONE_MORE])
async def come_back(request: Request, service: TheService) -> Response:
    """Begin a session for the one whom the provider has proved."""
    provider, prefix = _provider(service), request.app.state.prefix
    attempt = attempt_in(request.cookies.get(COOKIE, ""))
    try:
        attempt, code = _require_same(attempt, request)
        person = await provider.person(attempt, code, _back(request))
        body = AdmitBy(
            issuer=person.issuer,
            subject=person.subject,
            name=person.name,
            vouched=person.vouched,
            adds=provider.settings.adds_people,
            seconds=sessions.SESSION_SECONDS,
        )
        session = (await service.database.write(body)).secret
    except LaunchkitError as exc:
        response = _not_signed_in(request, service, attempt.to if attempt else None, exc)
    else:
        response = RedirectResponse(own_path(attempt.to, prefix), status_code=303)
        sessions.keep(request, response, session, prefix)
    response.delete_cookie(COOKIE, path=address(prefix, "sign-in"))
    return response


def _not_signed_in(
    request: Request, service: Service, to: str | None, exc: LaunchkitError
) -> Response:
    """The form with why; what is wrong here or at the provider is for the log, and no stranger's
    to read.
    """
    if isinstance(exc, Unauthenticated):
        log.info("signing in by the provider: %s", exc)
        return sign_in_form(request, service, to, exc, status=401)
    log.warning("signing in by the provider: %s", exc)
    host = _provider(service).settings.host
    told = Unreachable(f"nobody can sign in by {host} now", hint=HINT)
    return sign_in_form(request, service, to, told, status=503)


def _provider(service: Service) -> "Provider":
    if service.oidc is None:
        raise NotFound("no provider of identities is set up here", hint="sign in with a token")
    return service.oidc


def _require_same(attempt: Attempt | None, request: Request) -> tuple[Attempt, str]:
    """The attempt that this is the end of, and the code that was brought back.

    :raises Unauthenticated: if it is another one, or the provider says no.
    """
    query = request.query_params
    state = query.get("state", "")
    if attempt is None or not hmac.compare_digest(attempt.state.encode(), state.encode()):
        raise Unauthenticated(
            "this is the end of signing in, and it did not begin in this browser, or long ago",
            hint="begin again",
        )
    if error := query.get("error"):
        why = f"{error[:60]} {query.get('error_description', '')[:200]}".strip()
        raise Unauthenticated(f"the provider did not sign you in: {why}")
    return attempt, query.get("code", "")[:MAX_CODE]


def _back(request: Request) -> str:
    """Where the provider sends the browser to."""
    prefix: str = request.app.state.prefix
    origin = urlsplit(str(request.base_url))
    return f"{origin.scheme}://{origin.netloc}{address(prefix, 'sign-in', 'oidc', 'done')}"
