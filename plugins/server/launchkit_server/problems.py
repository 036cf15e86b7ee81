"""Each error as a problem document, also those of the framework."""

import logging
import re
from collections.abc import Iterable
from dataclasses import replace
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import Scope

from launchkit.codec import MAX_KEY, dotted, encode_json
from launchkit.errors import Forbidden, LaunchkitError, Unauthenticated, Unreachable
from launchkit.plain_text import shortened
from launchkit.wire.problems import Problem, problem_of
from launchkit.wire.protocol import PROBLEM_TYPE

log = logging.getLogger("launchkit.server")

MAX_LINES = 20
RETRY_SECONDS = 2.0
"""When one may try again whom the database did not answer."""
TOKEN = re.compile(r"lk_[A-Za-z0-9]{20,}")
"""A token of ours."""
CODES = {
    400: "bad_request",
    404: "no_such_address",
    405: "method_not_allowed",
    408: "too_slow",
    413: "too_large",
    414: "address_too_long",
    415: "wrong_type",
    416: "no_such_range",
    429: "too_many_requests",
    500: "internal",
}
"""The codes of what goes wrong before a rule of launchkit's is asked."""


class Refusal(Exception):
    """A request is not looked at any further; with *size* bytes, none of which it asks for."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        code: str | None = None,
        hint: str | None = None,
        retry_after: float | None = None,
        size: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.size = size
        code = code or CODES[status]
        self._problem = Problem(
            code=code,
            title=_title(code),
            status=status,
            detail=detail,
            hint=hint,
            retry_after=retry_after,
        )

    def problem(self, instance: str | None) -> Problem:
        """What is told of it."""
        return replace(self._problem, instance=instance)


def refusal_of(exc: LaunchkitError) -> Refusal:
    """What is told of a request that an error ends before it is looked at."""
    problem = problem_of(exc)
    return Refusal(
        problem.status,
        problem.detail,
        code=problem.code,
        hint=problem.hint,
        retry_after=problem.retry_after,
    )


def answer(problem: Problem) -> Response:
    """A problem as an answer."""
    headers = retry_headers(problem)
    if problem.status == 401:
        headers["www-authenticate"] = "Bearer"
    return Response(encode_json(problem), problem.status, headers, media_type=PROBLEM_TYPE)


def retry_headers(problem: Problem) -> dict[str, str]:
    """The header that says when to come again, if a problem does."""
    if problem.retry_after is None:
        return {}
    return {"retry-after": str(max(1, round(problem.retry_after)))}


def tell_end(exc: LaunchkitError) -> None:
    """Let the log say why a stream ends, if it is not that a token is revoked, a role is taken
    away, or the database is lost.
    """
    if not isinstance(exc, Unauthenticated | Forbidden | Unreachable):
        log.info("a stream was cut short: %s", exc)


def told(scope: Scope) -> str:
    """The method and path of a request, as a line of a log may have them."""
    path: str = TOKEN.sub("lk_…", scope["path"])
    return f"{scope['method'][:20]} {ascii(path[:200])[1:-1]}"


def tell_problems(app: FastAPI) -> None:
    """Let *app* answer each error with a document."""
    app.add_exception_handler(LaunchkitError, _known)
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _of_the_framework)


def request_id(request: Request) -> str | None:
    """The id of a request."""
    return getattr(request.state, "request_id", None)


async def _known(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, LaunchkitError)  # noqa: S101 - it is registered for these
    problem = problem_of(exc, request_id(request))
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE and problem.retry_after is None:
        problem = replace(problem, retry_after=RETRY_SECONDS)
    if problem.status >= 500:
        log.warning("request %s: %s", problem.instance, exc)
    return answer(problem)


async def _refused(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, Refusal)  # noqa: S101 - it is registered for these
    response = answer(exc.problem(request_id(request)))
    if exc.size is not None:
        response.headers["content-range"] = f"bytes */{exc.size}"
    return response


async def _invalid(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError)  # noqa: S101 - it is registered for these
    lines = [f"{place(one['loc'])}: {one['msg']}" for one in exc.errors()[:MAX_LINES]]
    return answer(_problem(request, 422, "config_invalid", "\n".join(lines)))


def place(path: Iterable[str | int]) -> str:
    """Where in a request something is wrong; a key may be as long as the request."""
    return dotted(tuple(p if isinstance(p, int) else shortened(p, MAX_KEY) for p in path))


async def _of_the_framework(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)  # noqa: S101 - it is registered for these
    code = CODES.get(exc.status_code, "bad_request")
    detail = f"{told(request.scope)}: {exc.detail}"
    response = answer(_problem(request, exc.status_code, code, detail))
    response.headers.update(exc.headers or {})
    return response


def _problem(request: Request, status: int, code: str, detail: str) -> Problem:
    return Problem(
        code=code, title=_title(code), status=status, detail=detail, instance=request_id(request)
    )


def _title(code: str) -> str:
    return code.replace("_", " ")
