"""What the next page shows once: it comes in a cookie, which that page takes away, so that loading
it again neither shows it nor does again what made it.
"""

from fastapi import Request
from fastapi.responses import Response

from launchkit.model import Secret

COOKIE = "launchkit_once"
SECONDS = 60
"""How soon the page must follow."""
MOST = 1000
"""Letters of it."""


def hand_over(request: Request, response: Response, secret: Secret, path: str) -> None:
    """Let the browser bring a secret to the page at *path*, and to no other."""
    response.set_cookie(
        COOKIE,
        str.__str__(secret),
        max_age=SECONDS,
        path=path,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def brought(request: Request) -> str | None:
    """What was handed over, if anything was."""
    return request.cookies.get(COOKIE, "")[:MOST] or None


def take_away(response: Response, path: str) -> None:
    """Let the browser bring it no more."""
    response.delete_cookie(COOKIE, path=path)
