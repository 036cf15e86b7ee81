"""Each error as a page, for those who ask for pages."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from launchkit.errors import LaunchkitError
from launchkit.wire.problems import Problem, problem_of
from launchkit_server.problems import answer, place, request_id, retry_headers, told
from launchkit_server.web import sessions
from launchkit_server.web.addresses import address, parted
from launchkit_server.web.pages.signing import SENT
from launchkit_server.web.rendering import render
from launchkit_server.web.visits import SignInFirst

WORDS = {
    401: "Signed out",
    404: "Not found",
    403: "Not allowed",
    405: "Not possible here",
    503: "Not now",
}

OVER = "nobody has signed in at this browser, or the session is over"


def tell_faults(app: FastAPI) -> None:
    """Let the site *app* answer each error with a page."""
    app.add_exception_handler(SignInFirst, _sign_in_first)
    app.add_exception_handler(LaunchkitError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _of_the_framework)


async def _sign_in_first(request: Request, exc: Exception) -> Response:
    """Lead a browser to the form and back; a script of a page says it there, and leads nowhere:
    somebody may have written something in that page.
    """
    if _partial(request) or not _wants_page(request):
        return answer(_problem(request, 401, "unauthenticated", OVER))
    prefix: str = request.app.state.prefix
    wanted = _asked(request, prefix) if request.method == "GET" else _shown(request)
    over = None
    if sessions.session_of(request) is not None:
        over = "1" if request.method == "GET" else SENT
    next_page = wanted if wanted != f"{prefix}/" else None
    return RedirectResponse(address(prefix, "sign-in", next=next_page, over=over), status_code=303)


def _asked(request: Request, prefix: str) -> str:
    query = request.url.query
    return prefix + request.url.path + (f"?{query}" if query else "")


def _shown(request: Request) -> str | None:
    """The path of the page from which something was sent, if it is one of ours and says so."""
    page = parted(request.headers.get("referer", ""))
    if page.netloc != request.headers.get("host"):
        return None
    return page._replace(scheme="", netloc="", fragment="").geturl() or None


async def _known(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, LaunchkitError)  # noqa: S101 - it is registered for these
    return _page(request, problem_of(exc, request_id(request)))


async def _invalid(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError)  # noqa: S101 - it is registered for these
    lines = [f"{place(one['loc'][1:])}: {one['msg']}" for one in exc.errors()[:20]]
    return _page(request, _problem(request, 422, "config_invalid", "\n".join(lines)))


async def _of_the_framework(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)  # noqa: S101 - it is registered for these
    code = {404: "no_such_address", 405: "method_not_allowed"}.get(exc.status_code, "bad_request")
    detail = f"{told(request.scope)}: {exc.detail}"
    response = _page(request, _problem(request, exc.status_code, code, detail))
    response.headers.update(exc.headers or {})
    return response


def _page(request: Request, problem: Problem) -> Response:
    if not _wants_page(request) and not _partial(request):
        return answer(problem)
    template = "parts/fault.html" if _partial(request) else "fault.html"
    html = render(
        template,
        problem=problem,
        words=WORDS.get(problem.status, "This did not work"),
        prefix=request.app.state.prefix,
        stamp=sessions.stamp_of(request),
    )
    return HTMLResponse(html, problem.status, headers=retry_headers(problem))


def _problem(request: Request, status: int, code: str, detail: str) -> Problem:
    title = code.replace("_", " ")
    instance = request_id(request)
    return Problem(code=code, title=title, status=status, detail=detail, instance=instance)


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _partial(request: Request) -> bool:
    return "hx-request" in request.headers
