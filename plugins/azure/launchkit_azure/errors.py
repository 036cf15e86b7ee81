"""What can go wrong with a request to Azure."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

import anyio

from launchkit.errors import LaunchError
from launchkit.plain_text import shortened

if TYPE_CHECKING:
    from azure.core.exceptions import HttpResponseError

CHECK_SECONDS = 4.0
LONGEST_CHAIN = 8_000
LOGIN_HINT = (
    "credentials come from AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET, from the"
    " workload identity of a pod, the managed identity of a machine, or `az login`"
)
NETWORK_HINT = "check the network, HTTPS_PROXY and NO_PROXY"
ANSWERED = "AADSTS"
"""Begins what Entra ID itself says."""
_ATTEMPT = re.compile(r"^[ \t]*+(\w+Credential): (.+)$", re.MULTILINE)
_ABSENT = re.compile(
    r"unavailable|not (?:be found|installed|found|fully|available|initialized)|no response"
    r"|please run|no accounts|not configured|requires",
    re.IGNORECASE,
)


class AzureError(LaunchError):
    """Azure did not do what it was asked for; its own words are in the message."""


class AzureAway(AzureError):
    """It cannot be reached, hung up, has a fault of its own, or is asked too much: what was asked
    for may have been done or not.
    """


class AzureRefused(AzureError):
    """It has answered with an error: *status* is that of HTTP, *reason* a word of its own, such as
    AuthorizationPermissionMismatch.
    """

    def __init__(self, status: int, reason: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.reason = reason

    @property
    def not_found(self) -> bool:
        """Whether there is no such thing."""
        return self.status == HTTPStatus.NOT_FOUND

    @property
    def denied(self) -> bool:
        """Whether a right is missing."""
        return self.status == HTTPStatus.FORBIDDEN


class NoLogin(AzureError):
    """There are no credentials, or they do not count."""


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn what Azure's library raises into an AzureError whose message begins with *what*, such as
    `Blob Storage: cannot upload FILE`: the one place that does.
    """
    from azure.core import exceptions as azure

    try:
        yield
    except azure.ClientAuthenticationError as exc:
        raise _no_login(what, exc) from exc
    except azure.HttpResponseError as exc:
        raise _refusal(what, exc) from exc
    except (azure.ServiceRequestError, azure.ServiceResponseError) as exc:
        why = shortened(str(exc)) or type(exc).__name__
        raise AzureAway(f"{what}: {why}", hint=NETWORK_HINT) from exc
    except azure.AzureError as exc:
        raise AzureError(f"{what}: {shortened(str(exc)) or type(exc).__name__}") from exc
    except (ConnectionError, TimeoutError) as exc:
        why = shortened(str(exc)) or type(exc).__name__
        raise AzureAway(f"{what}: it hung up: {why}", hint=NETWORK_HINT) from exc


@contextmanager
def soon(seconds: float = CHECK_SECONDS) -> Iterator[None]:
    """Do not wait for longer: somebody wants to hear what is wrong. :raises AzureAway: then."""
    with anyio.move_on_after(seconds) as scope:
        yield
    if scope.cancelled_caught:
        raise AzureAway(f"Azure: it does not answer within {seconds:g} s", hint=NETWORK_HINT)


def _no_login(what: str, exc: "HttpResponseError") -> NoLogin:
    """Of a chain that has tried everything, what the one said that had something to try with."""
    text = shortened(str(exc.message), LONGEST_CHAIN)
    tried = _ATTEMPT.findall(text)
    if attempts := [one for one in tried if ANSWERED in one[1] or not _ABSENT.search(one[1])]:
        who, said = attempts[-1]
        return NoLogin(f"{what}: {who}: {shortened(said)}", hint=LOGIN_HINT)
    if "Attempted credentials" in text:
        return NoLogin(f"{what}: there are no credentials", hint=LOGIN_HINT)
    return NoLogin(f"{what}: {shortened(_first_line(text))}", hint=LOGIN_HINT)


def _refusal(what: str, exc: "HttpResponseError") -> AzureError:
    """The error that an answer of Azure tells of."""
    status = exc.status_code or 0
    code = getattr(exc, "error_code", None)
    reason = str(getattr(code, "value", code) or "")
    said = shortened(_first_line(str(exc.message))) or "it does not say why"
    if status == HTTPStatus.TOO_MANY_REQUESTS or reason == "ServerBusy":
        return AzureAway(f"{what}: it is asked too much: {said}")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return AzureAway(f"{what}: it has a fault of its own (HTTP {status}): {said}")
    told = f"{reason}: {said}" if reason and reason not in said else said
    return AzureRefused(status, reason, f"{what}: {told}")


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0].strip()
