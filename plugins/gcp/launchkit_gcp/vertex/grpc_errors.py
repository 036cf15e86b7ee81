"""What can go wrong with a request to Vertex AI, which speaks gRPC; imported with its library."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus

from google.api_core import exceptions as gax
from google.rpc import error_details_pb2

from launchkit.plain_text import shortened
from launchkit_gcp.errors import DENIED_HINT, LOGIN_HINT, GcpAway, GcpError, GcpRefused

AWAY = (
    gax.ServerError,
    gax.Cancelled,
    gax.Aborted,
    gax.RetryError,
)
"""Also what broke off: it may have been done or not. What is not implemented is not done: so it is
said, too, by what answers under Google's names where there is no Vertex AI.
"""
NO_ROOM = "exceed quota limits"
"""How Vertex AI says that a project may have no more machines of a kind, and not that it is asked
too often: both have one code.
"""


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn what the library raises into a GcpError whose message begins with *what*."""
    try:
        yield
    except gax.GoogleAPICallError as exc:
        raise told(what, exc) from exc
    except gax.RetryError as exc:
        raise GcpAway(f"{what}: it does not answer in time") from exc


def told(what: str, exc: gax.GoogleAPICallError) -> GcpError:
    """The error that an answer tells of."""
    said = shortened(str(exc.message or "").strip()) or type(exc).__name__
    status = int(exc.code or 0)
    if isinstance(exc, gax.TooManyRequests) and NO_ROOM not in said:
        wish = _wish(exc)
        return GcpAway(f"{what}: it is asked too much: {said}", throttled=True, retry_after=wish)
    if isinstance(exc, AWAY) and not isinstance(exc, gax.MethodNotImplemented):
        hint = "check the network, HTTPS_PROXY and NO_PROXY"
        return GcpAway(f"{what}: {said}", hint=hint, retry_after=_wish(exc))
    reason = exc.grpc_status_code.name if exc.grpc_status_code else f"HTTP {status}"
    refused = GcpRefused(status, reason, said, f"{what}: {reason}: {said}")
    if status == HTTPStatus.UNAUTHORIZED:
        refused.hint = f"the credentials do not count; {LOGIN_HINT}"
    elif refused.denied:
        refused.hint = DENIED_HINT
    return refused


def _wish(exc: gax.GoogleAPICallError) -> float | None:
    """For how many seconds it wants to be left alone, if it says so."""
    for one in exc.details:
        if isinstance(one, error_details_pb2.RetryInfo):
            with suppress(ValueError, OverflowError):  # no such time can be told
                return float(one.retry_delay.ToTimedelta().total_seconds())
    return None
