"""What the reason means that SageMaker gives for a failure, and for not starting a job."""

import re
from dataclasses import replace

from launchkit.model import RunState, RunStatus, Verdict, VerdictCode
from launchkit.plain_text import shortened, tail_lines
from launchkit.runners.verdicts import Reason, of_exit, reason_of, status_of

_EXIT = re.compile(r"exit ?code:? ?(-?\d{1,5})", re.IGNORECASE)
MAX_EXIT = 255
PROGRAM = "AlgorithmError"
"""How reasons begin whose cause is in the container."""
_OUT_OF_MEMORY = re.compile(r"more memory|out of memory|OutOfMemory", re.IGNORECASE)
PLACE_LOST = (
    Reason(
        r"^CapacityError|insufficient capacity|unable to provision requested",
        VerdictCode.PREEMPTED,
    ),
    Reason(r"spot .{0,80}(interrupt|reclaim|terminat)", VerdictCode.PREEMPTED),
    Reason(r"^InternalServerError|encountered an internal error", VerdictCode.NODE_LOST),
    Reason(r"instance .{0,80}(became unhealthy|was terminated)", VerdictCode.NODE_LOST),
)
"""What has nothing to do with the program: it may run again."""
REASONS = (
    Reason(
        r"no space left|disk.*full|insufficient disk",
        VerdictCode.EVICTED,
        "raise ResourceConfig.VolumeSizeInGB in the queue config",
    ),
    Reason(
        r"(pull|download|find|access).{0,60}image|image.{0,80}(not found|does not exist|pull)",
        VerdictCode.IMAGE_PULL_FAILED,
        "may the job's role read the repository, and is the image there?",
    ),
    Reason(
        r"executable file not found|no such file or directory.{0,80}exec|exec.{0,120}no such file",
        VerdictCode.ENTRY_POINT_NOT_FOUND,
        "correct the entry point",
    ),
    Reason(r"permission denied.{0,80}exec|exec.{0,120}permission denied",
           VerdictCode.ENTRY_POINT_NOT_EXECUTABLE, "chmod +x it, or put the interpreter first"),
    Reason(
        r"access ?denied|not authorized|AssumeRole|KMS",
        VerdictCode.CONFIG_ERROR,
        "may the job's role, RoleArn, do what it has to?",
    ),
    Reason(r"^ClientError", VerdictCode.CONFIG_ERROR, "correct the queue config"),
)  # fmt: skip


def failure(reason: str) -> RunStatus:
    """The status of a job that has failed for that reason."""
    evidence = tail_lines(reason.encode(errors="replace"))
    of_program = reason.startswith(PROGRAM)  # its own words may tell of anything
    if not of_program and (lost := reason_of(reason, PLACE_LOST)):
        summary = f"SageMaker could not run it: {_first(evidence)}"
        verdict = Verdict(code=lost.code, summary=summary, evidence=evidence)
        return replace(status_of(verdict), state=RunState.PREEMPTED)
    code = exit_code(reason)
    if code is not None:
        out_of_memory = code == 137 and _OUT_OF_MEMORY.search(reason) is not None
        verdict = of_exit(
            code or 1, what="container", out_of_memory=out_of_memory, evidence=evidence
        )
        return replace(status_of(verdict, code or 1), state=RunState.FAILED)
    known = reason_of(reason, REASONS)
    summary = f"The training job has failed: {_first(evidence)}"
    verdict = Verdict(
        code=known.code if known else VerdictCode.FAILED,
        summary=summary,
        evidence=evidence,
        hint=known.hint if known else None,
    )
    return status_of(verdict)


def exit_code(reason: str) -> int | None:
    """The exit code of the container that a reason tells of, if it does."""
    found = _EXIT.search(reason)
    if not found:
        return None
    code = int(found[1])
    return code if 0 <= code <= MAX_EXIT else None


def _first(evidence: tuple[str, ...]) -> str:
    text = evidence[0] if evidence else "SageMaker gives no reason"
    return shortened(text, 300)
