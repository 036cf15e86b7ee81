"""What can go wrong with a request to Google Cloud."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus

import anyio

from launchkit.aio.retry import retry_after_of
from launchkit.errors import LaunchError
from launchkit.plain_text import shortened

CHECK_SECONDS = 4.0
LOGIN_HINT = (
    "credentials of Google Cloud come from GOOGLE_APPLICATION_CREDENTIALS, `gcloud auth"
    " application-default login`, the service account of the machine or pod, or"
    " `service-account-file`"
)
DENIED_HINT = "`launchkit doctor` prints the commands that grant what the agent lacks"
PROXY_HINT = "a proxy may have answered in its place; look at HTTPS_PROXY and NO_PROXY"
LONGEST_ANSWER = 1 << 16
"""Of an error, in bytes, that is looked at."""


class GcpError(LaunchError):
    """Google Cloud did not do what it was asked for; its own words are in the message."""


class GcpAway(GcpError):
    """It cannot be reached, hung up, has a fault of its own, or is asked too much: what was asked
    for may have been done or not.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        throttled: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.throttled = throttled
        """Whether it is asked too much, so that nothing was done."""
        self.retry_after = retry_after
        """For how many seconds it wants to be left alone, if it says so."""


class GcpRefused(GcpError):
    """It has answered with an error: *status* is that of HTTP, *reason* a word of its own, such as
    PERMISSION_DENIED.
    """

    def __init__(
        self, status: int, reason: str, said: str, message: str, *, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.reason = reason
        self.said = said
        """Its own words alone."""

    @property
    def not_found(self) -> bool:
        """Whether there is no such thing."""
        return self.status == HTTPStatus.NOT_FOUND

    @property
    def denied(self) -> bool:
        """Whether a right is missing."""
        return self.status == HTTPStatus.FORBIDDEN

    @property
    def expired(self) -> bool:
        """Whether the credentials do not count."""
        return self.status == HTTPStatus.UNAUTHORIZED


class NoLogin(GcpError):
    """There are no credentials, or they cannot be got."""


@contextmanager
def soon(seconds: float = CHECK_SECONDS) -> Iterator[None]:
    """Do not wait for longer: somebody wants to hear what is wrong. :raises GcpAway: then."""
    with anyio.move_on_after(seconds) as scope:
        yield
    if scope.cancelled_caught:
        raise GcpAway(
            f"Google Cloud: it does not answer within {seconds:g} s",
            hint="check the network, HTTPS_PROXY, and whether *.googleapis.com is reachable",
        )


def failure(what: str, status: int, headers: Mapping[str, str], content: bytes) -> GcpError:
    """The error that an answer tells of; its message begins with *what*."""
    reason, words = told_by(content)
    said = words or f"HTTP {status}"
    wish = retry_after_of(headers.get("retry-after"))
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        message = f"{what}: it is asked too much: {said}"
        return GcpAway(message, throttled=True, retry_after=wish)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        message = f"{what}: it has a fault of its own (HTTP {status}): {said}"
        return GcpAway(message, retry_after=wish)
    refused = GcpRefused(status, reason, said, f"{what}: {f'{reason}: ' if reason else ''}{said}")
    if refused.expired:
        refused.hint = f"the credentials do not count; {LOGIN_HINT}"
    elif refused.denied:
        refused.hint = DENIED_HINT
    return refused


def told_by(content: bytes) -> tuple[str, str]:
    """The word and the words of an error, as Google's APIs and OAuth write them; empty where there
    are none.
    """
    try:
        told = json.loads(content[:LONGEST_ANSWER])
        error = told["error"]
        if isinstance(error, str):
            return shortened(error, 100), shortened(str(told.get("error_description") or ""))
        word = error.get("status") or error["errors"][0]["reason"]
        return shortened(str(word), 100), shortened(str(error.get("message") or "").strip())
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return "", ""
