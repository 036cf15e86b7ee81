"""Code that is laid into a container of an image that lacks it."""

from pathlib import Path
from typing import Any

from launchkit.code.in_base_image import installer, working_dir
from launchkit.code.remove_tree import remove_tree
from launchkit.model import Submission
from launchkit.private_files import make_folder


def move_code(code: Path, place: Path) -> None:
    """Keep the code for as long as the run; what a first try kept already stays."""
    if place.exists():
        remove_tree(code)
        return
    make_folder(place.parent)
    code.chmod(0o755)  # the container's user is another one
    code.rename(place)


def laid_in(body: dict[str, Any], submission: Submission) -> dict[str, Any]:
    """The body with the code as its working directory, and an installation if that is asked for.

    :raises Rejected: if nothing says what to start.
    """
    body = {"WorkingDir": working_dir(submission), **body}
    if install := installer(submission):
        body["Entrypoint"], body["Cmd"] = [*install], [*submission.command]
    return body
