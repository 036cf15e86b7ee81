"""Who pulls the images of custom jobs: Vertex AI's own service agent, whoever a job is."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from launchkit.abc import Finding
from launchkit.errors import Rejected
from launchkit.images.ref import ImageRef
from launchkit.shell_words import shell_command
from launchkit_gcp.environment import GcpEnvironment
from launchkit_gcp.errors import GcpError, soon
from launchkit_gcp.gar_names import GarImage
from launchkit_gcp.vertex.images import is_google

if TYPE_CHECKING:
    from launchkit_gcp.api import GoogleApi

AGENT = "service-{number}@gcp-sa-aiplatform-cc.iam.gserviceaccount.com"
"""See https://cloud.google.com/vertex-ai/docs/general/access-control#service-agents."""
ROLE = "roles/artifactregistry.reader"
PULLS = frozenset(
    f"roles/artifactregistry.{one}" for one in ("reader", "writer", "repoAdmin", "admin")
) | {"roles/owner", "roles/editor", "roles/viewer"}
ANYBODY = frozenset({"allUsers", "allAuthenticatedUsers"})


async def puller_findings(environment: GcpEnvironment, image: str) -> Sequence[Finding]:
    """Whether Vertex AI's service agent may pull an image of another project; in its own it may."""
    there = _repository(image)
    if there is None or there.project == environment.project:
        return ()
    subject = f"images in {there.project}"
    try:
        with soon():
            api = await environment.api()
            agent = AGENT.format(number=await _number(api, environment.project))
            policy = await _policy(api, there)
    except GcpError as exc:
        message = f"whether Vertex AI may pull from {there.repository} is not known: {exc.message}"
        return [Finding(level="warning", subject=subject, message=message, hint=exc.hint)]
    if _may_pull(policy, f"serviceAccount:{agent}"):
        message = f"Vertex AI's service agent may pull from {there.repository}"
        return [Finding(level="ok", subject=subject, message=message)]
    words = ("add-iam-policy-binding", there.repository, *there.place_options)
    role = (f"--member=serviceAccount:{agent}", f"--role={ROLE}")
    hint = f"grant it: {shell_command('gcloud', 'artifacts', 'repositories', *words, *role)}"
    message = f"{agent} has no role on repository {there.repository}, unless its project gives one"
    return [Finding(level="warning", subject=subject, message=message, hint=hint)]


def _repository(image: str) -> GarImage | None:
    """The repository of an image in Artifact Registry."""
    try:
        ref = ImageRef.parse(image)
        found = GarImage.parse(f"{ref.host}/{ref.path}") if is_google(image) else None
    except (Rejected, ValueError):
        return None
    return found if found is not None and not found.is_old else None


async def _number(api: "GoogleApi", project: str) -> str:
    what = f"Google Cloud: project {project}"
    url = f"{api.place.url('cloudresourcemanager')}/v1/projects/{project}"
    told = (await api.send(what, "GET", url)).json(what)
    return str(told.get("projectNumber", ""))


async def _policy(api: "GoogleApi", there: GarImage) -> Mapping[str, Any]:
    what = f"Artifact Registry: who may pull from {there.repository}"
    url = f"{api.place.url('artifactregistry')}/v1/{there.resource}:getIamPolicy"
    return (await api.send(what, "GET", url)).json(what)


def _may_pull(policy: Mapping[str, Any], member: str) -> bool:
    bindings = policy.get("bindings")
    return any(
        one.get("role") in PULLS and (ANYBODY | {member}) & {*map(str, one.get("members", ()))}
        for one in (bindings if isinstance(bindings, list) else ())
    )
