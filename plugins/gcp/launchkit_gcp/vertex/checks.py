"""What `launchkit doctor` says of Vertex AI, and of the configs of its queues."""

from collections.abc import Sequence

from launchkit.abc import Finding, Registry
from launchkit.runners.fitting import is_open
from launchkit_gcp.environment import GcpEnvironment
from launchkit_gcp.errors import GcpError, soon
from launchkit_gcp.gcr import GcrRegistry
from launchkit_gcp.vertex.api import AT_A_LOOK, VertexApi
from launchkit_gcp.vertex.args import QueueArgs
from launchkit_gcp.vertex.buckets import bucket_findings
from launchkit_gcp.vertex.names import ITEM
from launchkit_gcp.vertex.needs import account_need, needs_of
from launchkit_gcp.vertex.pullers import puller_findings


async def findings(
    api: VertexApi, environment: GcpEnvironment, registry: Registry | None
) -> Sequence[Finding]:
    """Whether Vertex AI answers, what the agent lacks, and whether its images may be pulled."""
    subject = f"Vertex AI in {api.region}"
    try:
        with soon():
            await api.list(f"labels.{ITEM}:*", AT_A_LOOK)
    except GcpError as exc:
        return [Finding(level="error", subject=subject, message=exc.message, hint=exc.hint)]
    message = f"answers, for project {api.project}"
    answers = Finding(level="ok", subject=subject, message=message)
    found = [answers, *await environment.rights(needs_of(api.project), f"{subject}: rights")]
    if isinstance(registry, GcrRegistry):
        found += await puller_findings(environment, registry.image_ref("any"))
    return found


async def queue_findings(args: QueueArgs, environment: GcpEnvironment) -> Sequence[Finding]:
    """Whether a queue's bucket is where its jobs are, they may be who they are to be, and Vertex AI
    may pull the images that it names. What is still to be filled in is not looked at.
    """
    found: list[Finding] = []
    for number in range(1 + len(args.fallback)):
        one = args.of_attempt(number + 1)
        region = one.region or environment.region
        if not is_open(one.bucket) and not is_open(region):
            found += await bucket_findings(environment, one.bucket, region)
    account = args.run.get("service_account")
    if account and not is_open(account):
        found += await environment.rights([account_need(account)], f"service account {account}")
    images = {pool["container_spec"].get("image_uri", "") for pool in args.pools}
    for image in sorted(images):
        if image and not is_open(image):
            found += await puller_findings(environment, image)
    return found
