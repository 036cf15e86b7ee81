"""What a pod that has not started waits for, and what will never come."""

import re
from collections.abc import Sequence

from launchkit.model import Verdict, VerdictCode
from launchkit.runners.verdicts import Reason, reason_of
from launchkit_kubernetes.status.container import Container, Ended
from launchkit_kubernetes.status.shape import told, words

_NUMBERS = re.compile(r"\d+")
PULLS = frozenset({"ErrImagePull", "ImagePullBackOff"})
"""Why a container waits whose image could not be pulled; whether it can be is not said by these."""
NO_IMAGE = frozenset({"InvalidImageName", "ErrImageNeverPull", "SignatureValidationFailed"})
"""Why a container waits whose image will never be there."""
NOT_STARTED = frozenset({"StartError", "ContainerCannotRun", "RunContainerError"})
"""Why a container waits, or has ended, whose program could not be started."""
_NAMED = re.compile(r'"[^"]*"|https?://\S+')
"""Names and addresses of images, which may hold any word."""
_PASSES = re.compile(
    r"toomanyrequests|too many requests|rate ?limit|pull qps exceeded"
    r"|\bstatus[ \w]{0,40}:? +(?:429|5\d\d)\b"
    r"|\b5\d\d (?:internal server error|bad gateway|service unavailable|gateway time)"
    r"|time-?out|timed out|deadline exceeded|context canceled|unexpected eof"
    r"|connection re|no such host|server misbehaving|network is unreachable|no route to host"
    r"|token has expired",
    re.IGNORECASE,
)
"""Trouble with a registry that may be over the next time."""
_PULL_REASONS: Sequence[Reason] = (
    Reason(
        r"\b(?:denied|unauthorized|forbidden|authentication required|no basic auth credentials)\b",
        VerdictCode.IMAGE_PULL_FAILED,
        "is its name right, and may the pull secret of the queue read it?",
    ),
    Reason(
        r"no matching manifest|no match for platform",
        VerdictCode.IMAGE_PULL_FAILED,
        "it is not made for the processor of this machine: build it for that, or choose another",
    ),
    Reason(
        r"not found\b|manifest unknown|does not exist|name unknown|code = NotFound",
        VerdictCode.IMAGE_PULL_FAILED,
        "is its name right, and its tag there?",
    ),
)
_START_REASONS: Sequence[Reason] = (
    Reason(
        r"error mounting|failed to mount|invalid mount|bind source path",
        VerdictCode.NO_SUCH_VOLUME,
        "does what is to be mounted exist on the machine, and the path in the image fit it?",
    ),
    Reason(
        r"chdir to cwd|mkdir .*working directory",
        VerdictCode.CONFIG_ERROR,
        "is the workingDir of the queue config in the image?",
    ),
    Reason(
        r"executable file not found|exec:? .*no such file|no such file or directory.*unknown"
        r"|no command specified",
        VerdictCode.ENTRY_POINT_NOT_FOUND,
        "is the program in the image, and in its PATH?",
    ),
    Reason(
        r"exec:? .*permission denied|exec format error",
        VerdictCode.ENTRY_POINT_NOT_EXECUTABLE,
        "chmod +x it in the image, name its interpreter first, or build for this processor",
    ),
    Reason(
        r"nvidia-container|unresolvable CDI|no such device|error gathering device information",
        VerdictCode.NO_SUCH_DEVICE,
        "are the driver and the device plugin of the machine well?",
    ),
)
_CONFIG_PASSES = re.compile(r"timed out|failed to sync|not yet been read", re.IGNORECASE)


def waits_for_key(message: str | None) -> str:
    """What two messages have in common that say the same with other numbers: a scheduler counts
    its machines anew each time.
    """
    return _NUMBERS.sub("#", message or "")


def never_starts(container: Container, *, restarted: bool) -> Verdict | None:
    """Why a container that waits will never run; None if it may.

    *restarted*: whether a container that ends badly is started again.
    """
    if container.running:
        return None
    before = container.before if restarted else None
    if before and before.reason in NOT_STARTED:
        reason = reason_of(before.message, _START_REASONS)
        return _not_started(container, before.reason, before.message) if reason else None
    if container.reason in NOT_STARTED | {"CreateContainerError"}:
        reason = reason_of(container.message, _START_REASONS)
        return _not_started(container, container.reason, container.message) if reason else None
    if container.reason == "CreateContainerConfigError":
        passes = _CONFIG_PASSES.search(container.message)
        return None if passes else _config_error(container)
    return _no_image(container)


def not_started(container: Container, ended: Ended) -> Verdict | None:
    """The verdict on a program that could not be started in its container."""
    if ended.reason not in NOT_STARTED:
        return None
    return _not_started(container, ended.reason, ended.message)


def _no_image(container: Container) -> Verdict | None:
    said = _NAMED.sub("", container.message)
    reason = reason_of(said, _PULL_REASONS)
    if container.reason in PULLS:
        if reason is None or _PASSES.search(said):
            return None
    elif container.reason not in NO_IMAGE:
        return None
    return Verdict(
        code=VerdictCode.IMAGE_PULL_FAILED,
        summary=f"The image of {container.title} cannot be had: {container.waits_for}",
        hint=reason.hint if reason else "correct the image's name, or the policy of its pull",
    )


def _config_error(container: Container) -> Verdict:
    return Verdict(
        code=VerdictCode.CONFIG_ERROR,
        summary=f"The {container.title} cannot be made: {words(container.message)}",
        hint="is all that its config refers to in the namespace of the run?",
    )


def _not_started(container: Container, why: str, message: str) -> Verdict:
    reason = reason_of(message, _START_REASONS)
    return Verdict(
        code=reason.code if reason else VerdictCode.SUBMIT_FAILED,
        summary=f"The {container.title} could not be started: {told(why, message)}",
        hint=reason.hint if reason else None,
    )
