"""What the agent may do, as the services of Google Cloud tell it to the one who asks: nothing is
done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from launchkit.abc import Finding
from launchkit.shell_words import shell_command
from launchkit_gcp.storage import GcsAddress

if TYPE_CHECKING:
    from launchkit_gcp.api import GoogleApi


@dataclass(frozen=True, kw_only=True)
class Resource:
    """Something that rights are about."""

    name: str
    """As people read it."""
    service: str
    """The one that tells."""
    path: str
    """What it is asked by."""
    grant: str
    """The command that gives a role for it, without member and role."""
    by_query: bool = False
    """Whether permissions stand in the address of the question."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """Permissions that somebody needs on a resource."""

    resource: Resource
    permissions: tuple[str, ...]
    roles: tuple[str, ...]
    """Which have them, together."""
    level: Literal["warning", "error"] = "warning"
    """What it is if one is missing. Conditions of a grant may speak of what is in a resource; then
    only a warning is true.
    """


def project(name: str) -> Resource:
    """A project."""
    return Resource(
        name=f"project {name}",
        service="cloudresourcemanager",
        path=f"/v1/projects/{name}:testIamPermissions",
        grant=shell_command("gcloud", "projects", "add-iam-policy-binding", name),
    )


def bucket(name: str) -> Resource:
    """A bucket of Cloud Storage."""
    return Resource(
        name=f"bucket {name}",
        service="storage",
        path=f"/storage/v1/b/{name}/iam/testPermissions",
        grant=shell_command(
            "gcloud", "storage", "buckets", "add-iam-policy-binding", f"gs://{name}"
        ),
        by_query=True,
    )


def service_account(email: str) -> Resource:
    """A service account that others act as."""
    return Resource(
        name=f"service account {email}",
        service="iam",
        path=f"/v1/projects/-/serviceAccounts/{email}:testIamPermissions",
        grant=shell_command("gcloud", "iam", "service-accounts", "add-iam-policy-binding", email),
    )


def store_needs(address: GcsAddress) -> Sequence[Need]:
    """What is needed to keep build contexts below an address."""
    return (
        Need(
            resource=bucket(address.bucket),
            permissions=(
                "storage.buckets.get",
                "storage.objects.create",
                "storage.objects.delete",
                "storage.objects.get",
            ),
            roles=("roles/storage.objectUser", "roles/storage.legacyBucketReader"),
        ),
    )


async def rights_findings(
    api: "GoogleApi", needs: Sequence[Need], subject: str
) -> Sequence[Finding]:
    """What the agent lacks of *needs*, with the commands that grant it.

    :raises GcpError: if a service does not say.
    """
    found = []
    for need in needs:
        held = await _held(api, need)
        if lacking := [one for one in need.permissions if one not in held]:
            found.append(_lacks(api.credentials.account, need, lacking, subject))
    if found:
        return found
    count = sum(len(need.permissions) for need in needs)
    who = api.credentials.account or "the agent"
    return [Finding(level="ok", subject=subject, message=f"{who} has all {count} permissions")]


def _lacks(account: str | None, need: Need, lacking: Sequence[str], subject: str) -> Finding:
    who = account or "the agent"
    member = _member(account)
    given = [shell_command(f"--member={member}", f"--role={role}") for role in need.roles]
    grants = "\n".join(f"{need.resource.grant} {one}" for one in given)
    return Finding(
        level=need.level,
        subject=subject,
        message=f"{who} lacks {', '.join(lacking)} on {need.resource.name}",
        hint=f"grant it: {grants}",
    )


def _member(account: str | None) -> str:
    if account is None:
        return "MEMBER"
    kind = "serviceAccount" if account.endswith(".gserviceaccount.com") else "user"
    return f"{kind}:{account}"


async def _held(api: "GoogleApi", need: Need) -> frozenset[str]:
    resource = need.resource
    what = f"Google Cloud: what the agent may do in {resource.name}"
    url = api.place.url(resource.service) + resource.path
    asked: Mapping[str, object] = {"permissions": [*need.permissions]}
    if resource.by_query:
        answer = await api.send(what, "GET", url, params=asked)
    else:
        answer = await api.send(what, "POST", url, json=asked)
    told = answer.json(what).get("permissions")
    return frozenset(map(str, told)) if isinstance(told, list) else frozenset()
