"""What protects pages: the headers that they go out with, and where what is sent may come from."""

import hashlib
import hmac

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from launchkit.errors import Forbidden
from launchkit_server.web.addresses import parted

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; font-src 'self'; worker-src 'self'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf"
STRANGE = "this was not sent by a page of this service"
STRANGE_HINT = "open the page again, and send it from there"


class Guarded:
    """Gives each answer the headers that confine a page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await self._app(scope, receive, guarded)


def csrf_token(session: str) -> str:
    """What the forms of a session carry: it tells nothing of the session."""
    return hmac.digest(session.encode(), b"launchkit form", hashlib.sha256).hex()


def require_own_form(session: str, given: str | None) -> None:
    """:raises Forbidden: if what was sent does not carry the token of its session."""
    if given is None or not hmac.compare_digest(given.encode(), csrf_token(session).encode()):
        raise Forbidden(STRANGE, hint=STRANGE_HINT)


def require_own_origin(request: Request) -> None:
    """Look where a request that changes something comes from: browsers say it.

    :raises Forbidden: if it comes from another site.
    """
    if request.method in SAFE:
        return
    site = request.headers.get("sec-fetch-site")
    if site not in {None, "same-origin"}:
        raise Forbidden(STRANGE, hint=STRANGE_HINT)
    origin = request.headers.get("origin")
    if site is None and origin and parted(origin).netloc != request.headers.get("host"):
        raise Forbidden(
            STRANGE, hint="a proxy in front must pass the header Host on as it came to it"
        )
