"""Whether files can be put below an address, found out without writing anything."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from launchkit.abc import Finding
from launchkit.errors import LaunchError
from launchkit.shell_words import shell_command
from launchkit_azure.blob_address import BlobAddress
from launchkit_azure.errors import AzureRefused, explained
from launchkit_azure.links import delegation_key

ROLE = "Storage Blob Data Contributor"
NEVER = '"0xLAUNCHKIT"'
"""An entity tag that no file has: what depends on it is refused after rights were looked at."""
KEY_SECONDS = 60.0
TOLD = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.PRECONDITION_FAILED})
"""The answers to one who may do it."""


async def store_findings(
    service: Any, address: BlobAddress, hint: str, *, signs: bool
) -> list[Finding]:
    """Whether the container is there, and files in it may be read, written and removed, and, if
    asked for, links to them signed; *hint* is what to do if they may not.

    :raises LaunchError: if Blob Storage does not say.
    """
    subject = f"store {address.folder}"
    lacking: list[str] = []
    for what, ask in _questions(service, address, signs).items():
        refused = await _refused(f"Blob Storage: {address.container}", ask)
        if refused and refused.reason == "ContainerNotFound":
            return [_no_container(address, subject)]
        if refused and refused.denied:
            lacking.append(what)
        elif refused and refused.status not in TOLD:
            raise refused
    if not lacking:
        message = f"container {address.container} is there; files may be read, written and removed"
        return [Finding(level="ok", subject=subject, message=message)]
    message = f"the agent may not {', '.join(lacking)} files in {address.container}"
    return [Finding(level="error", subject=subject, message=message, hint=hint)]


def _questions(
    service: Any, address: BlobAddress, signs: bool
) -> Mapping[str, Callable[[], Awaitable[Any]]]:
    """By what they ask for."""
    from azure.core import MatchConditions

    blob = service.get_blob_client(**address.target)
    never: dict[str, Any] = {"etag": NEVER, "match_condition": MatchConditions.IfNotModified}
    asked: dict[str, Callable[[], Awaitable[Any]]] = {
        "read": lambda: blob.get_blob_properties(**never),
        "write": lambda: blob.upload_blob(b"", length=0, overwrite=True, **never),
        "remove": lambda: blob.delete_blob(**never),
    }
    if signs:
        asked["sign links to"] = lambda: delegation_key(service, KEY_SECONDS)
    return asked


async def _refused(what: str, ask: Callable[[], Awaitable[Any]]) -> AzureRefused | None:
    try:
        with explained(what):
            await ask()
    except AzureRefused as exc:
        return exc
    return None


def _no_container(address: BlobAddress, subject: str) -> Finding:
    return Finding(
        level="error",
        subject=subject,
        message=f"there is no container {address.container}",
        hint=f"make it: {container_line(address)}",
    )


def container_line(address: BlobAddress) -> str:
    """The command that makes a container."""
    names = ("--account-name", address.account, "--name", address.container)
    return shell_command("az", "storage", "container", "create", *names, "--auth-mode", "login")


def failed(subject: str, exc: LaunchError) -> Finding:
    """What went wrong with looking."""
    return Finding(level="error", subject=subject, message=exc.message, hint=exc.hint)
