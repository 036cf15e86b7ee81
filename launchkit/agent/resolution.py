"""What a launch came to, as its queue and people are told."""

from launchkit.abc import Runner
from launchkit.codec import encode_json, plain
from launchkit.model import Json, Submission
from launchkit.resolving.nested import values
from launchkit.resolving.secret_values import without_queue_secrets

MOST_BYTES = 8 * 2**20
"""Of its JSON, which may be a multiple of the launch: the half of what a queue service takes."""
MOST_VALUES = 50_000
"""The half of what one takes, too."""
MAY_BE_LONG = ("request", "config", "resource_args", "origins", "source", "command", "env")
"""What may be left out."""


def resolution(submission: Submission, runner: Runner) -> Json:
    """What `show --resolved` tells: every choice, who made it, and the request itself."""
    launch = submission.launch
    told = {
        "name": submission.name,
        "image": submission.image.ref if submission.image else None,
        "source": plain(launch.source),
        "command": list(submission.command),
        "env": sorted(submission.env),
        "config": dict(launch.config),
        "resource_args": dict(submission.resource_args),
        "origins": dict(launch.origins),
        "request": dict(runner.render(submission)),
    }
    limits = plain(launch.limits)  # a later holder reads them, whatever number a secret is
    return {**_bounded(without_queue_secrets(told, submission.hidden)), "limits": limits}


def _bounded(told: Json) -> Json:
    size = {name: len(encode_json(value).encode()) for name, value in told.items()}
    number = {name: sum(1 for _ in values(value)) for name, value in told.items()}
    for name in MAY_BE_LONG:
        if sum(size.values()) <= MOST_BYTES and sum(number.values()) <= MOST_VALUES:
            break
        what = f"{number.pop(name)} values in {size.pop(name)} bytes of JSON, too many to be told"
        told = {**told, name: [what] if isinstance(told[name], list) else {"…": what}}
    return told
