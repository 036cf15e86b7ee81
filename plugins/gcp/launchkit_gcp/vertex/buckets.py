"""The staging bucket of a queue: it has to be where the jobs are."""

from collections.abc import Sequence

from launchkit.abc import Finding
from launchkit.errors import SubmitError
from launchkit_gcp.environment import GcpEnvironment
from launchkit_gcp.errors import GcpAway, GcpError, soon

HINT = "name a bucket of that one region as spec.staging_bucket"


async def check_bucket(environment: GcpEnvironment, uri: str, region: str) -> str | None:
    """Look where a bucket is; gives what is to be said if that cannot be told.

    :raises SubmitError: if it is missing, or elsewhere.
    """
    name = _name(uri)
    try:
        found = await environment.bucket(name)
    except GcpError as exc:
        return f"where bucket {name} is cannot be told: {exc.message}"
    if found is None:
        raise SubmitError(f"there is no bucket {name}, the spec.staging_bucket", hint=HINT)
    if not found.is_in(region):
        raise SubmitError(f"{found}, and the jobs are in {region}", hint=HINT)
    return None


async def bucket_findings(environment: GcpEnvironment, uri: str, region: str) -> Sequence[Finding]:
    """Whether a bucket is where the jobs are."""
    name = _name(uri)
    subject = f"staging bucket {name}"
    try:
        with soon():
            said = await check_bucket(environment, uri, region)
    except (GcpAway, SubmitError) as exc:
        return [Finding(level="error", subject=subject, message=exc.message, hint=exc.hint)]
    if said:
        return [Finding(level="warning", subject=subject, message=said)]
    return [Finding(level="ok", subject=subject, message=f"is in {region}")]


def _name(uri: str) -> str:
    return uri.removeprefix("gs://").partition("/")[0]
