"""The `docker run` command that would start the same container, for people to read."""

from collections.abc import Sequence

from launchkit.model import Secret, Submission
from launchkit.resolving.hidden_words import hidden_words
from launchkit_docker.containers.body import image_ref, process
from launchkit_docker.containers.request import container_name
from launchkit_docker.options.parsing import Options


def command_line(
    options: Options, submission: Submission, *, binds: Sequence[str] = ()
) -> list[str]:
    """The words of the command, in W&B's order; secrets are masked, as types and names
    tell, and what the submission hides.

    :raises SubmitError: if the submission has no image.
    """
    entrypoint, command = process(options, submission)
    words = ["docker", "run", *(["--rm"] if options.remove else [])]
    words += ["--name", container_name(options, submission)]
    for name, value in submission.env.items():
        words += ["-e", f"{name}=…" if isinstance(value, Secret) else f"{name}={value}"]
    for bind in binds:
        words += ["--volume", bind]
    for option in options.words:
        words += option
    if entrypoint:
        words += ["--entrypoint", entrypoint[0]]
    words += [image_ref(submission), *(entrypoint or ())[1:], *command]
    return hidden_words(words, submission.hidden)
