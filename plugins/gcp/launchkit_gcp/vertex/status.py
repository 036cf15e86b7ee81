"""What the state of a custom job means."""

from dataclasses import replace

from launchkit.model import RunState, RunStatus, Verdict, VerdictCode
from launchkit.plain_text import shortened
from launchkit.runners.verdicts import lasted, status_of
from launchkit_gcp.vertex.failures import failure, is_timeout
from launchkit_gcp.vertex.names import number_of
from launchkit_gcp.vertex.view import JobView

SHOWN = 300
"""Letters of Vertex AI's own words that are told."""
WAITING = {
    "JOB_STATE_QUEUED": "queued",
    "JOB_STATE_PENDING": "pending, its machines are made ready",
    "JOB_STATE_UNSPECIFIED": "there",
}
AT_WORK = {
    "JOB_STATE_RUNNING": "",
    "JOB_STATE_CANCELLING": "cancelling",
    "JOB_STATE_PAUSED": "paused; it can be resumed",
    "JOB_STATE_UPDATING": "updating",
}


def status(job: JobView) -> RunStatus:
    """The status of a run whose job is so."""
    found = _status(job)
    return replace(found, ran=lasted(job.started, job.ended)) if found.state.ended else found


def _status(job: JobView) -> RunStatus:
    if job.state in {"JOB_STATE_SUCCEEDED", "JOB_STATE_PARTIALLY_SUCCEEDED"}:
        return _good(job)
    if job.state == "JOB_STATE_FAILED":
        return failure(job.code, job.error, job.timeout)
    if job.state == "JOB_STATE_CANCELLED":
        return _cancelled(job)
    if job.state == "JOB_STATE_EXPIRED":
        summary = f"The job has expired{_tail(job.error)}."
        verdict = Verdict(code=VerdictCode.RUN_TIMEOUT, summary=summary)
        return status_of(verdict)
    return _under_way(job)


def _under_way(job: JobView) -> RunStatus:
    """A state that is not known yet is one of a live job: none is judged by a word that is new."""
    if job.state in WAITING and not job.started:
        message = f"job {number_of(job.name)} is {WAITING[job.state]}{_tail(job.error)}"
        placed = job.state != "JOB_STATE_QUEUED" and not job.error
        return RunStatus(state=RunState.STARTING, message=message, placed=placed)
    known = AT_WORK.get(job.state)
    if known is None and job.state in WAITING:  # its machines are made ready anew
        known = "starts again: its machines are made ready"
    message = shortened(job.state, 60) if known is None else known
    message = f"{message}{_tail(job.error)}".removeprefix(": ")
    return RunStatus(state=RunState.RUNNING, message=message or None)


def _good(job: JobView) -> RunStatus:
    summary = "The job has succeeded."
    if job.state == "JOB_STATE_PARTIALLY_SUCCEEDED":
        summary = f"The job has succeeded in part{_tail(job.error)}."
    return status_of(Verdict(code=VerdictCode.OK, summary=summary), 0)


def _cancelled(job: JobView) -> RunStatus:
    if job.error and is_timeout(job.error):
        return failure(job.code, job.error, job.timeout)
    return status_of(Verdict(code=VerdictCode.STOPPED, summary="The job was cancelled."))


def _tail(said: str) -> str:
    text = shortened(said.strip(), SHOWN).rstrip(".")
    return f": {text}" if text else ""
