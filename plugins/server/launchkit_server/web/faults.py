"""Each error as a page, for those who ask for pages."""

from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from launchkit.codec import dotted
from launchkit.errors import LaunchkitError
from launchkit.wire.problems import Problem, problem_of
from launchkit_server.problems import answer, request_id, told
from launchkit_server.web.addresses import address
from launchkit_server.web.rendering import render
from launchkit_server.web.visits import SignInFirst

WORDS = {404: "Not found", 403: "Not allowed", 405: "Not possible here", 503: "Not now"}


def tell_faults(app: FastAPI) -> None:
    """Let the site *app* answer each error with a page."""
    app.add_exception_handler(SignInFirst, _sign_in_first)
    app.add_exception_handler(LaunchkitError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _of_the_framework)


async def _sign_in_first(request: Request, exc: Exception) -> Response:
    prefix: str = request.app.state.prefix
    wanted = _shown(request) if _partial(request) else None
    if wanted is None and request.method == "GET":
        wanted = prefix + request.url.path + (f"?{request.url.query}" if request.url.query else "")
    to = address(prefix, "sign-in", next=wanted if wanted != f"{prefix}/" else None)
    if _partial(request):
        return Response(status_code=401, headers={"hx-redirect": to})
    return RedirectResponse(to, status_code=303)


def _shown(request: Request) -> str | None:
    """The path of the page that a piece of it was asked for, if it says so."""
    page = urlsplit(request.headers.get("hx-current-url", ""))
    return page._replace(scheme="", netloc="", fragment="").geturl() or None


async def _known(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, LaunchkitError)  # noqa: S101 - it is registered for these
    return _page(request, problem_of(exc, request_id(request)))


async def _invalid(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError)  # noqa: S101 - it is registered for these
    lines = [f"{dotted(tuple(one['loc'][1:]))}: {one['msg']}" for one in exc.errors()[:20]]
    return _page(request, _problem(request, 422, "config_invalid", "\n".join(lines)))


async def _of_the_framework(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)  # noqa: S101 - it is registered for these
    code = {404: "no_such_address", 405: "method_not_allowed"}.get(exc.status_code, "bad_request")
    detail = f"{request.method} {told(request.scope)}: {exc.detail}"
    response = _page(request, _problem(request, exc.status_code, code, detail))
    response.headers.update(exc.headers or {})
    return response


def _page(request: Request, problem: Problem) -> Response:
    if "text/html" not in request.headers.get("accept", "") and not _partial(request):
        return answer(problem)
    template = "parts/fault.html" if _partial(request) else "fault.html"
    html = render(
        template,
        problem=problem,
        words=WORDS.get(problem.status, "This did not work"),
        prefix=request.app.state.prefix,
    )
    return HTMLResponse(html, problem.status)


def _problem(request: Request, status: int, code: str, detail: str) -> Problem:
    title = code.replace("_", " ")
    instance = request_id(request)
    return Problem(code=code, title=title, status=status, detail=detail, instance=instance)


def _partial(request: Request) -> bool:
    return "hx-request" in request.headers
