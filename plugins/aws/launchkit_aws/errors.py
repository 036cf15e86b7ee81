"""What can go wrong with a request to AWS."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import anyio

from launchkit.errors import LaunchError
from launchkit.plain_text import shortened

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

EXPIRED = frozenset({
    "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "InvalidAccessKeyId",
    "InvalidToken", "RequestExpired", "TokenRefreshRequired", "UnrecognizedClientException",
})  # fmt: skip
"""What AWS says of credentials that no longer count; newer ones may."""
DENIED = frozenset({
    "AccessDenied", "AccessDeniedException", "AllAccessDisabled", "AuthorizationError",
    "UnauthorizedOperation", "UnauthorizedAccess", "403",
})  # fmt: skip
THROTTLED = frozenset({
    "BandwidthLimitExceeded", "LimitExceededException", "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled",
    "RequestThrottledException", "SlowDown", "ThrottledException", "Throttling",
    "ThrottlingException", "TooManyRequestsException", "TransactionInProgressException",
})  # fmt: skip
CHECK_SECONDS = 4.0
LOGIN_HINT = (
    "AWS credentials come from variables, ~/.aws (with `profile`), or the role of the machine or"
    " pod: `aws sts get-caller-identity` shows whose they are"
)


class AwsError(LaunchError):
    """AWS did not do what it was asked for; its own words are in the message."""


class AwsAway(AwsError):
    """It cannot be reached, hung up, has a fault of its own, or is asked too much: what was asked
    for may have been done or not.
    """

    def __init__(self, message: str, *, hint: str | None = None, throttled: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.throttled = throttled
        """Whether it is asked too much, so that nothing was done."""


class AwsRefused(AwsError):
    """It has answered with an error: *status* is that of HTTP, *reason* a word of its own, such as
    ResourceInUse.
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
        """Whether there is no such thing, as services say that tell it by the status."""
        return self.status == HTTPStatus.NOT_FOUND

    @property
    def denied(self) -> bool:
        """Whether a right is missing."""
        return self.reason in DENIED or self.reason.endswith("AccessDenied")

    @property
    def expired(self) -> bool:
        """Whether the credentials do not count."""
        return self.reason in EXPIRED


class NoLogin(AwsError):
    """There are no credentials, or they cannot be got."""


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn what the client's library raises into an AwsError whose message begins with *what*,
    such as `S3: cannot upload to s3://b/k`: the one place that does.
    """
    from aiohttp import ClientError as HttpError
    from botocore import exceptions as boto
    from botocore.parsers import ResponseParserError

    try:
        yield
    except boto.ClientError as exc:
        raise refusal(what, exc) from exc
    except (
        boto.NoCredentialsError,
        boto.PartialCredentialsError,
        boto.CredentialRetrievalError,
        boto.ProfileNotFound,
        boto.TokenRetrievalError,
        boto.SSOError,
        boto.InvalidConfigError,
        boto.ConfigParseError,
        boto.MetadataRetrievalError,
    ) as exc:
        raise NoLogin(f"{what}: {shortened(str(exc))}", hint=LOGIN_HINT) from exc
    except boto.ParamValidationError as exc:
        raise AwsError(f"{what}: {shortened(str(exc))}") from exc
    except boto.HTTPClientError as exc:
        hint = "check the network, the region, HTTPS_PROXY and NO_PROXY"
        raise AwsAway(f"{what}: {shortened(str(exc))}", hint=hint) from exc
    except boto.BotoCoreError as exc:
        raise AwsError(f"{what}: {shortened(str(exc))}") from exc
    except (
        *(ResponseParserError, LookupError, TypeError, ValueError, AttributeError),
        *(OverflowError, RecursionError),
    ) as exc:  # the client's library takes what it reads for AWS's
        hint = "a proxy may have answered in its place; look at HTTPS_PROXY and NO_PROXY"
        raise AwsAway(f"{what}: its answer is none of AWS's", hint=hint) from exc
    except (HttpError, ConnectionError, TimeoutError) as exc:
        raise AwsAway(f"{what}: it hung up: {shortened(str(exc)) or type(exc).__name__}") from exc


@contextmanager
def soon(seconds: float = CHECK_SECONDS) -> Iterator[None]:
    """Do not wait for longer: somebody wants to hear what is wrong. :raises AwsAway: then."""
    with anyio.move_on_after(seconds) as scope:
        yield
    if scope.cancelled_caught:
        raise AwsAway(
            f"AWS: it does not answer within {seconds:g} s",
            hint="check the network, HTTPS_PROXY, and whether the region's endpoints are reachable",
        )


def refusal(what: str, exc: "ClientError") -> AwsError:
    """The error that an answer of AWS tells of."""
    answer: Any = exc.response
    error = answer.get("Error") or {}
    reason = str(error.get("Code") or "Unknown")
    said = shortened(str(error.get("Message") or "").strip() or reason)
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0
    if reason in THROTTLED or status == HTTPStatus.TOO_MANY_REQUESTS:
        return AwsAway(f"{what}: it is asked too much: {said}", throttled=True)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return AwsAway(f"{what}: it has a fault of its own (HTTP {status}): {said}")
    told = said if reason in said else f"{reason}: {said}"
    refused = AwsRefused(status, reason, said, f"{what}: {told}")
    if refused.expired:
        refused.hint = f"the credentials do not count any more; {LOGIN_HINT}"
    elif refused.denied:
        refused.hint = "`launchkit doctor` prints the statements that the agent's policy lacks"
    return refused
