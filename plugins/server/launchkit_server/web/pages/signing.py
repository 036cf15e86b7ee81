"""Signing in and out."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from launchkit.errors import LaunchkitError, Unauthenticated
from launchkit_server.service import Service, TheService
from launchkit_server.web import sessions
from launchkit_server.web.addresses import address, own_path
from launchkit_server.web.forms import short_form_of
from launchkit_server.web.guards import CSRF_FIELD, require_own_form, require_own_origin
from launchkit_server.web.rendering import render

router = APIRouter()

SENT = "sent"
"""The session was over when a form was sent."""


@router.get("/sign-in")
async def show(request: Request, service: TheService) -> Response:
    """The form; one who has signed in goes on at once, but from another tab in which somebody signs
    out: that may not be done yet.
    """
    prefix: str = request.app.state.prefix
    to = request.query_params.get("next")
    leaves = "out" in request.query_params
    if not leaves and await sessions.prove(service, request) is not None:
        return RedirectResponse(own_path(to, prefix), status_code=303)
    return sign_in_form(request, service, to, over=request.query_params.get("over"))


@router.post("/sign-in")
async def sign_in(request: Request, service: TheService) -> Response:
    """Begin a session with a token."""
    require_own_origin(request)
    prefix: str = request.app.state.prefix
    form = await short_form_of(request)
    to = form.text("next")
    try:
        session = await sessions.begin(service, form.text("token"))
    except Unauthenticated as exc:
        return sign_in_form(request, service, to, exc, status=401)
    response = RedirectResponse(own_path(to, prefix), status_code=303)
    sessions.keep(request, response, session, prefix)
    return response


@router.post("/sign-out")
async def sign_out(request: Request, service: TheService) -> Response:
    """End the session of this browser, whose token counts no more; one that is over already is
    forgotten like any other.
    """
    require_own_origin(request)
    prefix: str = request.app.state.prefix
    form = await short_form_of(request)
    session = sessions.session_of(request)
    if session is not None and await sessions.prove(service, request) is not None:
        require_own_form(session, form.text(CSRF_FIELD))
        await sessions.end(service, session)
    response = RedirectResponse(address(prefix, "sign-in"), status_code=303)
    sessions.forget(request, response, prefix)
    return response


def sign_in_form(
    request: Request,
    service: Service,
    to: str | None,
    fault: LaunchkitError | None = None,
    status: int = 200,
    over: str | None = None,
) -> Response:
    """The form, and what was in the way before."""
    html = render(
        "sign-in.html",
        prefix=request.app.state.prefix,
        stamp=None,
        to=to or "",
        fault=fault,
        over=over,
        lost=over == SENT,
        provider=service.oidc.settings.host if service.oidc else None,
        by_provider=address(request.app.state.prefix, "sign-in", "oidc", next=to),
    )
    return HTMLResponse(html, status)
