"""Options and a submission to the body with which the Engine creates the container."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from launchkit.errors import SubmitError
from launchkit.model import Submission
from launchkit.plain_text import shortened
from launchkit_docker.options.network import merge
from launchkit_docker.options.parsing import Options

LONGEST_BYTES = 32 * 4096
"""Of one variable or argument, with the zero at its end: MAX_ARG_STRLEN of Linux."""


def container_body(
    options: Options,
    submission: Submission,
    *,
    env: Mapping[str, str],
    gpu_ids: Sequence[str] | None = None,
    labels: Mapping[str, str],
    binds: Sequence[str] = (),
) -> dict[str, Any]:
    """The exact body of `POST /containers/create`.

    *gpu_ids* are the devices given to the run in place of the wish of `gpus`; *labels* win over
    those of the options; *binds* go before theirs.

    :raises SubmitError: if the submission has no image.
    """
    entrypoint, command = process(options, submission)
    body: dict[str, Any] = {
        "Image": image_ref(submission),
        "Env": [f"{name}={value}" for name, value in env.items()],
        "HostConfig": {"Binds": list(binds)} if binds else {},
    }
    merge(body, deepcopy(options.body))
    merge(body, {"Labels": dict(labels)})
    if entrypoint is not None:
        body["Entrypoint"] = list(entrypoint)
    if command:
        body["Cmd"] = list(command)
    if options.gpus:
        merge(body["HostConfig"], {"DeviceRequests": [options.gpus.request(gpu_ids)]})
    return body


def process(
    options: Options, submission: Submission
) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """What the container runs: its entry point, None for the image's own, and the words after it.

    An entry point of the job or the launch replaces the image's with its first word; arguments
    alone go to the image's entry point (reference of W&B's `local_container` runner).
    """
    if submission.launch.entry_point:
        return submission.command[:1], submission.command[1:]
    return options.entrypoint, submission.command or options.command


def require_short(body: Mapping[str, Any]) -> None:
    """:raises SubmitError: if a variable or a word is longer than Linux hands to a program."""
    for text in (*body["Env"], *(body.get("Entrypoint") or ()), *(body.get("Cmd") or ())):
        if len(text.encode(errors="surrogateescape")) >= LONGEST_BYTES:
            raise SubmitError(
                f"{shortened(text.partition('=')[0], 60)}: has {len(text)} characters; a variable"
                f" or argument of a program may have {LONGEST_BYTES} bytes",
                hint="put it into a file, and give its path",
            )


def image_ref(submission: Submission) -> str:
    """The name of the image. :raises SubmitError: if the submission has none."""
    if submission.image is None:
        raise SubmitError(
            "a container needs an image, and this launch has none",
            hint="launch an image, configure a builder, or set base_image at the job",
        )
    return submission.image.ref
