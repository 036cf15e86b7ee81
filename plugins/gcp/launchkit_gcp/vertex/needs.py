"""What the agent may have to do for custom jobs, and what Vertex AI's own account has to."""

from collections.abc import Sequence

from launchkit_gcp.rights import Need, project, service_account

ON_JOBS = tuple(f"aiplatform.customJobs.{one}" for one in ("create", "list", "get", "cancel"))
ON_LOGS = ("logging.logEntries.list",)


def needs_of(name: str) -> Sequence[Need]:
    """All but that of a queue's service account."""
    return (
        Need(resource=project(name), permissions=ON_JOBS, roles=("roles/aiplatform.user",)),
        Need(resource=project(name), permissions=ON_LOGS, roles=("roles/logging.viewer",)),
    )


def account_need(email: str) -> Need:
    """To let a job be a service account."""
    return Need(
        resource=service_account(email),
        permissions=("iam.serviceAccounts.actAs",),
        roles=("roles/iam.serviceAccountUser",),
    )
