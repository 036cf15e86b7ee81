"""Code that is laid into a container of an image that lacks it: where it is, and what starts."""

from pathlib import PurePosixPath

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


def working_dir(submission: Submission) -> str:
    """The directory in the container in which the program starts.

    :raises Rejected: if nothing says what to start.
    """
    if not submission.command:
        raise Rejected(
            "there is no entry point: nothing says which program of the code to start",
            hint='give one with -E, such as -E "python train.py"',
        )
    return str(PurePosixPath(MOUNT, submission.launch.working_dir or "."))


def installer(submission: Submission) -> tuple[str, ...]:
    """What stands before the command so that the code's requirements are installed; nothing if
    that is not asked for.
    """
    if submission.launch.builder_args.get("install") is not True:
        return ()
    return ("/bin/sh", "-c", INSTALL, "launchkit")
