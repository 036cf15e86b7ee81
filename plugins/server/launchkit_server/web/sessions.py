"""Sessions: a browser keeps a token of its own in a cookie that no script reads."""

from secrets import token_hex

from fastapi import Request
from fastapi.responses import Response

from launchkit.model import Secret
from launchkit.model.people import Principal, TokenFault
from launchkit.store import sessions
from launchkit.store.people import ACCOUNTS
from launchkit_server.bearer import MAX_TOKEN
from launchkit_server.service import Service

COOKIE = "launchkit_session"
AROUND = "launchkit_entity"
"""The cookie that tells in which entity a browser was last."""
STAMP = "launchkit_left"
"""The cookie with another text each time that somebody has signed out; scripts of pages read it."""
STAMP_SECONDS = 400 * 86400
"""As long as a browser keeps any."""
SESSION_SECONDS = 12 * 3600.0


async def begin(service: Service, secret: str) -> Secret:
    """A new token for the browser of the one whose token *secret* is.

    :raises Unauthenticated: if *secret* is no token of a person or a service that counts.
    """
    made = await service.database.write(sessions.SignIn(secret[:MAX_TOKEN], SESSION_SECONDS))
    return made.secret


async def prove(service: Service, request: Request) -> Principal | None:
    """Who sits in front of the browser; None if nobody has signed in, or not lately."""
    session = session_of(request)
    if session is None:
        return None
    principal = await service.proofs.prove(session)
    if isinstance(principal, TokenFault) or principal.kind not in ACCOUNTS:
        return None
    return principal


async def end(service: Service, session: str) -> None:
    """Let the token of a browser count no more."""
    await service.database.write(sessions.SignOut(session))


def session_of(request: Request) -> str | None:
    """The token in the cookie."""
    return request.cookies.get(COOKIE, "")[:MAX_TOKEN] or None


def keep(request: Request, response: Response, session: Secret, prefix: str) -> None:
    """Let the browser keep a session."""
    response.set_cookie(
        COOKIE,
        str.__str__(session),
        max_age=int(SESSION_SECONDS),
        path=f"{prefix}/",
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )


def forget(request: Request, response: Response, prefix: str) -> None:
    """Let the browser forget its session, and in which entity it was last, and know of each page
    that it has that somebody has signed out since.
    """
    for name in (COOKIE, AROUND):
        response.delete_cookie(name, path=f"{prefix}/")
    response.set_cookie(
        STAMP,
        token_hex(8),
        max_age=STAMP_SECONDS,
        path=f"{prefix}/",
        samesite="lax",
        secure=request.url.scheme == "https",
    )


def stamp_of(request: Request) -> str | None:
    """What a page has with it that is for who has signed in; None if nobody has."""
    return request.cookies.get(STAMP, "") if session_of(request) is not None else None
