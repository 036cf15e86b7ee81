"""What the agent is to be allowed."""

from launchkit_gcp.rights import Need, project

from .fake_google import PROJECT

NEED = Need(
    resource=project(PROJECT),
    permissions=("aiplatform.customJobs.create", "aiplatform.customJobs.get"),
    roles=("roles/aiplatform.user",),
)
