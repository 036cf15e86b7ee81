"""What the end of a build's Job means to who reads the launch."""

import re
from collections.abc import Mapping, Sequence

from launchkit.errors import BuildError
from launchkit.images.ref import ImageRef
from launchkit.model import RunStatus, VerdictCode
from launchkit.plain_text import shortened, tail_lines
from launchkit.runners.verdicts import Reason, reason_of

STEP = re.compile(
    r"(?:(?<!\w)\w++\[\d++\] |STEP \d++(?:/\d++)?: )"
    r"(?P<step>(?:FROM|RUN|COPY|ADD|WORKDIR|USER|ENV) .*)"
)
"""A step that begins, in the words of Kaniko."""
MEMORY = (
    "raise spec.template.spec.containers[0].resources.limits.memory in kaniko-config; large layers"
    " take as much memory as they have; `--compressed-caching=false`, which is launchkit's, and"
    " `--cache=false` take less"
)
DISK = (
    "free the disk of the node, or give the build more: resources.requests.ephemeral-storage in"
    " kaniko-config chooses a node that has it"
)
PUSH = "see what `launchkit doctor` says about the registry and its credentials"
CONTEXT = "may the build's pod read it? A service account with a cloud identity, or secret-name"
REASONS: Sequence[Reason] = (
    Reason(r"no space left on device|disk quota exceeded", VerdictCode.EVICTED, DISK),
    Reason(r"signal: killed|cannot allocate memory", VerdictCode.OOM_KILLED, MEMORY),
    Reason(
        r"dockerfile parse error|parsing dockerfile|unknown instruction",
        VerdictCode.CONFIG_ERROR,
        "correct the Dockerfile",
    ),
    Reason(
        r"push permission|unauthorized|authentication required|denied: |access to the resource"
        r"|failed to push|pushing image",
        VerdictCode.FAILED,
        PUSH,
    ),
    Reason(
        r"command 'gcc' failed|unable to execute 'gcc'|gcc: not found",
        VerdictCode.FAILED,
        "a package has to be compiled, and the image has no compiler: name a base_image that has"
        " one, or bring a Dockerfile.launchkit with RUN apt-get update && apt-get install -y gcc",
    ),
    Reason(r"build context|source context", VerdictCode.FAILED, CONTEXT),
    Reason(
        r"exec format error",
        VerdictCode.FAILED,
        "a program of another processor architecture: set the builder's platform",
    ),
)
"""By what the executor printed last; the first that is found counts."""
OF_CODES: Mapping[str, str] = {
    VerdictCode.OOM_KILLED: MEMORY,
    VerdictCode.EVICTED: DISK,
    VerdictCode.RUN_TIMEOUT: "raise spec.activeDeadlineSeconds in kaniko-config",
}
IMAGE = "is kaniko-image right, and may the cluster's nodes pull it?"


def build_error(ref: str, status: RunStatus, printed: bytes, step: str | None) -> BuildError:
    """The error of a build of *ref* whose Job ended otherwise than well."""
    verdict = status.verdict
    lines = tail_lines(printed) or (verdict.evidence if verdict else ())
    code = verdict.code if verdict else VerdictCode.FAILED
    found = reason_of("\n".join(lines), REASONS)
    hint = (
        OF_CODES.get(code) or (found.hint if found else None) or (verdict.hint if verdict else None)
    )
    what = status.message or "its Job failed"
    if code == VerdictCode.OOM_KILLED:
        what = "it ran out of memory: its container used more than it may"
    elif status.exit_code is None and "image" in what.lower():
        hint = IMAGE
    elif found and found.hint == PUSH:
        what = f"{ImageRef.parse(ref).registry} refused the push: {what}"
    where = f"{step}: " if step and not (found and found.hint == PUSH) else ""
    seen = "".join(f"\n  {line}" for line in lines)
    message = f"the image could not be built: {where}{shortened(what)}{seen}"
    return BuildError(message, hint=hint)
