"""Code that is laid into a container of an image that lacks it."""

from pathlib import Path, PurePosixPath
from typing import Any

from launchkit.code.remove_tree import remove_tree
from launchkit.errors import Rejected
from launchkit.model import Submission

MOUNT = "/mnt/launchkit"
PACKAGES = "/tmp/launchkit-packages"  # noqa: S108 - in the container, which is the run's own
INSTALL = f"""\
if [ -e requirements.txt ]; then python -m pip install -q -t {PACKAGES} -r requirements.txt
elif [ -e pyproject.toml ]; then python -m pip install -q -t {PACKAGES} .
fi || exit
export PYTHONPATH={PACKAGES}${{PYTHONPATH:+:$PYTHONPATH}}
exec "$@"
"""


def move_code(code: Path, place: Path) -> None:
    """Keep the code for as long as the run; what a first try kept already stays."""
    if place.exists():
        remove_tree(code)
        return
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    code.chmod(0o755)  # the container's user is another one
    code.rename(place)


def laid_in(body: dict[str, Any], submission: Submission) -> dict[str, Any]:
    """The body with the code as its working directory, and an installation if that is asked for.

    :raises Rejected: if nothing says what to start.
    """
    if not submission.command:
        raise Rejected(
            "there is no entry point: nothing says which program of the code to start",
            hint='give one with -E, such as -E "python train.py"',
        )
    where = PurePosixPath(MOUNT, submission.launch.working_dir or ".")
    body = {"WorkingDir": str(where), **body}
    if submission.launch.builder_args.get("install") is True:
        body["Entrypoint"] = ["/bin/sh", "-c", INSTALL, "launchkit"]
        body["Cmd"] = list(submission.command)
    return body
