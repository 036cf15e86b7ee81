"""What the error means with which Vertex AI ends a job, or does not start it."""

import re
from dataclasses import replace

from launchkit.model import RunState, RunStatus, Verdict, VerdictCode
from launchkit.plain_text import shortened, tail_lines
from launchkit.runners.verdicts import Reason, of_exit, reason_of, status_of

_EXIT = re.compile(r"(?:non-zero status of|exit code:?|exit status) ?(-?\d{1,5})", re.IGNORECASE)
_OUT_OF_MEMORY = re.compile(r"out[- ]of[- ]memory|\bOOM\b", re.IGNORECASE)
_TIMEOUT = re.compile(
    r"(timed? ?out|timeout|exceeded the (max|time)|maximum (running|run) ?time)", re.IGNORECASE
)
MAX_EXIT = 255
RESOURCE_EXHAUSTED, INTERNAL, UNAVAILABLE = 8, 13, 14
"""Codes of gRPC."""
NO_CAPACITY_HINT = (
    "Vertex AI has tried each zone of the region: name other machines or regions under fallback in"
    " the queue config, or let it wait with run.scheduling_strategy: FLEX_START"
)
NO_CAPACITY = re.compile(
    r"(resources? (are|is) insufficient|insufficient (resources?|capacity)|out of stock|stockout"
    r"|does not have enough resources|no (available )?capacity)",
    re.IGNORECASE,
)
PLACE_LOST = (
    Reason(r"preempt|spot .{0,80}(reclaim|interrupt|terminat)", VerdictCode.PREEMPTED),
    Reason(r"internal error|worker .{0,60}(unhealthy|became unreachable)", VerdictCode.NODE_LOST),
)
"""What has nothing to do with the program: it may run again."""
REASONS = (
    Reason(
        r"no space left|low on disk|disk.{0,40}full|insufficient disk",
        VerdictCode.EVICTED,
        "raise disk_spec.boot_disk_size_gb of the worker pool",
    ),
    Reason(
        r"(pull|download|find|access).{0,80}image|image.{0,120}(not found|does not exist|pull"
        r"|unauthorized|denied)|artifactregistry|downloadArtifacts",
        VerdictCode.IMAGE_PULL_FAILED,
        "is the image there, and may Vertex AI's service agent read the repository? `launchkit"
        " doctor` looks at it; the account of run.service_account pulls no images",
    ),
    Reason(
        r"executable file not found|no such file or directory.{0,80}exec|exec.{0,120}no such file",
        VerdictCode.ENTRY_POINT_NOT_FOUND,
        "correct the entry point",
    ),
    Reason(
        r"permission denied.{0,80}exec|exec.{0,120}permission denied",
        VerdictCode.ENTRY_POINT_NOT_EXECUTABLE,
        "chmod +x it, or put the interpreter first",
    ),
    Reason(
        r"permission|not authorized|forbidden|service account",
        VerdictCode.CONFIG_ERROR,
        "may the account of run.service_account, or Vertex AI's own, do what it has to?",
    ),
)


def failure(code: int, error: str, timeout: int = 0) -> RunStatus:
    """The status of a job that has ended with that error."""
    evidence = tail_lines(error.encode(errors="replace"))
    exit_code = exit_code_of(error)
    if exit_code is not None:
        out_of_memory = _OUT_OF_MEMORY.search(error) is not None
        verdict = of_exit(
            exit_code or 1, what="container", out_of_memory=out_of_memory, evidence=evidence
        )
        return replace(status_of(verdict, exit_code or 1), state=RunState.FAILED)
    if is_timeout(error):
        limit = f", {timeout} s" if timeout else ""
        return _ended(VerdictCode.RUN_TIMEOUT, f"It ran longer than run.timeout{limit}.", evidence)
    if NO_CAPACITY.search(error):
        return _lost(VerdictCode.PREEMPTED, evidence, NO_CAPACITY_HINT)
    if lost := reason_of(error, PLACE_LOST):
        return _lost(lost.code, evidence)
    if (known := reason_of(error, REASONS)) is None and code in {INTERNAL, UNAVAILABLE}:
        return _lost(VerdictCode.NODE_LOST, evidence)
    summary = f"The job has failed: {_first(evidence)}"
    code_of = known.code if known else VerdictCode.FAILED
    return _ended(code_of, summary, evidence, known.hint if known else None)


def exit_code_of(error: str) -> int | None:
    """The exit code of a container that an error tells of, if it does."""
    found = _EXIT.search(error)
    if not found:
        return None
    code = int(found[1])
    return code if 0 <= code <= MAX_EXIT else None


def is_timeout(error: str) -> bool:
    """Whether an error tells that a job has taken too long."""
    return _TIMEOUT.search(error) is not None


def _lost(code: VerdictCode, evidence: tuple[str, ...], hint: str | None = None) -> RunStatus:
    """It has nothing to do with the program, which may run again."""
    summary = f"Vertex AI could not run it: {_first(evidence)}"
    verdict = Verdict(code=code, summary=summary, evidence=evidence, hint=hint)
    return replace(status_of(verdict), state=RunState.PREEMPTED)


def _ended(
    code: VerdictCode, summary: str, evidence: tuple[str, ...], hint: str | None = None
) -> RunStatus:
    return status_of(Verdict(code=code, summary=summary, evidence=evidence, hint=hint))


def _first(evidence: tuple[str, ...]) -> str:
    text = evidence[0] if evidence else "Vertex AI gives no reason"
    return shortened(text, 300)
