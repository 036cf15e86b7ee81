"""Errors as problem documents (RFC 9457), and back, with the codes of the command line."""

from dataclasses import dataclass
from typing import ClassVar

from launchkit import errors
from launchkit.errors import LaunchkitError


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What a request that failed is answered with."""

    __pydantic_config__: ClassVar = {"extra": "ignore"}

    code: str
    title: str
    status: int
    detail: str
    hint: str | None = None
    retry_after: float | None = None
    """Seconds for which the server asks to be left alone."""
    ended: bool | None = None
    """With `lease_lost`: whether the item has ended."""
    instance: str | None = None
    """The id of the request, which stands in the server's log."""


STATUSES: dict[type[LaunchkitError], int] = {
    errors.ConfigError: 422,
    errors.PluginError: 422,
    errors.LaunchError: 422,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Stale: 412,
    errors.LeaseLost: 409,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.Unreachable: 503,
    errors.QueueError: 400,
    LaunchkitError: 500,
}
"""The status of each kind of error; the nearest base class counts."""


def problem_of(exc: LaunchkitError, instance: str | None = None) -> Problem:
    """The document that tells of an error."""
    status = next(STATUSES[kind] for kind in type(exc).__mro__ if kind in STATUSES)
    return Problem(
        code=exc.code,
        title=exc.code.replace("_", " "),
        status=status,
        detail=exc.message,
        hint=exc.hint,
        retry_after=exc.retry_after if isinstance(exc, errors.Unreachable) else None,
        ended=exc.ended if isinstance(exc, errors.LeaseLost) else None,
        instance=instance,
    )


def error_of(problem: Problem) -> LaunchkitError:
    """The error that a document tells of; one with a code that is not known here may pass."""
    kind = _BY_CODE.get(problem.code)
    if kind is errors.LeaseLost:
        return errors.LeaseLost(problem.detail, ended=bool(problem.ended))
    if kind is errors.Unreachable or (kind is None and problem.status in _PASSING):
        return errors.Unreachable(
            problem.detail, hint=problem.hint, retry_after=problem.retry_after
        )
    return (kind or errors.QueueError)(problem.detail, hint=problem.hint)


_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


def _all(kind: type[LaunchkitError]) -> list[type[LaunchkitError]]:
    return [kind, *(deeper for one in kind.__subclasses__() for deeper in _all(one))]


_BY_CODE = {kind.code: kind for kind in _all(LaunchkitError) if kind.__module__ == errors.__name__}
