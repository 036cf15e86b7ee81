"""Where people look at custom jobs."""

from urllib.parse import quote

CONSOLE = "https://console.cloud.google.com"


def jobs_link(project: str) -> str:
    """The page of all jobs of a project in Google's console."""
    return f"{CONSOLE}/vertex-ai/training/custom-jobs?project={quote(project)}"
