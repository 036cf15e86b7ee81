"""What can go wrong with a request to the API server."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from launchkit.errors import LaunchError

QUOTA = "exceeded quota"
"""In the words of a ResourceQuota that is used up; there is no other sign of it."""


class ClusterError(LaunchError):
    """The API server did not do what it was asked for."""


class AnswerTooLong(ClusterError):
    """It says more at once than is read; a list can be asked for in smaller pages."""


class ClusterAway(ClusterError):
    """It cannot be reached, hung up, or is asked too much: what was asked for may have been done
    or not. With *retry_after* it asks to be left alone for so many seconds.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "is the cluster up, and may this machine reach it?",
        retry_after: float | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after
        self.status = status
        """That of HTTP; None: there was no answer."""


class ClusterRefused(ClusterError):
    """It has answered with an error: *status* is that of HTTP, *reason* a word of its own, such as
    AlreadyExists. See https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/.
    """

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason

    @property
    def not_found(self) -> bool:
        """Whether there is no such thing."""
        return self.status == HTTPStatus.NOT_FOUND

    @property
    def exists(self) -> bool:
        """Whether there is one of that name."""
        return self.reason == "AlreadyExists"

    @property
    def conflict(self) -> bool:
        """Whether it was changed meanwhile."""
        return self.status == HTTPStatus.CONFLICT and not self.exists

    @property
    def over_quota(self) -> bool:
        """Whether a ResourceQuota is used up; it may have room again later."""
        return self.status == HTTPStatus.FORBIDDEN and QUOTA in self.message

    @property
    def forbidden(self) -> bool:
        """Whether a right is missing."""
        return self.status == HTTPStatus.FORBIDDEN and not self.over_quota


def refusal(status: int, said: Mapping[str, Any] | str) -> ClusterRefused:
    """The error that a Status object, or another text, tells of."""
    if isinstance(said, str):
        return ClusterRefused(status, "", said or f"HTTP status {status}")
    reason, message = said.get("reason"), said.get("message")
    return ClusterRefused(
        status,
        reason if isinstance(reason, str) else "",
        message if isinstance(message, str) and message else f"HTTP status {status}",
    )
