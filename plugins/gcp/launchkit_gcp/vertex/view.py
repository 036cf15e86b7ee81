"""A custom job as Vertex AI tells of it, without the library's own types."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from launchkit.plain_text import shortened
from launchkit.runners.verdicts import is_believable

LONGEST_ERROR = 1 << 13
"""Letters of what is told of one."""
LIVE = (
    "JOB_STATE_QUEUED", "JOB_STATE_PENDING", "JOB_STATE_RUNNING", "JOB_STATE_CANCELLING",
    "JOB_STATE_PAUSED", "JOB_STATE_UPDATING",
)  # fmt: skip
ENDED = (
    "JOB_STATE_SUCCEEDED", "JOB_STATE_PARTIALLY_SUCCEEDED", "JOB_STATE_FAILED",
    "JOB_STATE_CANCELLED", "JOB_STATE_EXPIRED",
)  # fmt: skip
"""Those after which nothing comes. One that is unknown is not among them."""


@dataclass(frozen=True, kw_only=True)
class JobView:
    """What was told of a job at one time."""

    name: str
    state: str
    """Such as JOB_STATE_RUNNING."""
    created: float = 0.0
    """Unix times, all of them; 0: it is not told."""
    started: float = 0.0
    ended: float = 0.0
    updated: float = 0.0
    code: int = 0
    """Of its error, as gRPC counts them."""
    error: str = ""
    machines: int = 1
    timeout: int = 0
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.state in ENDED


def view_of(job: Any) -> JobView:
    """What a CustomJob of the proto tells."""
    state = job.state
    return JobView(
        name=job.name,
        state=str(getattr(state, "name", state)),
        created=_time(job, "create_time"),
        started=_time(job, "start_time"),
        ended=_time(job, "end_time"),
        updated=_time(job, "update_time"),
        code=job.error.code if job.error else 0,
        error=shortened(job.error.message, LONGEST_ERROR) if job.error else "",
        machines=max(1, sum(pool.replica_count for pool in job.job_spec.worker_pool_specs)),
        timeout=_seconds(job.job_spec.scheduling),
        labels=dict(job.labels),
    )


def _time(job: Any, name: str) -> float:
    try:
        at = getattr(job, name)
    except (ValueError, OverflowError):  # the library reads it now, and no calendar has it
        return 0.0
    return float(at.timestamp()) if at and is_believable(at) else 0.0


def _seconds(scheduling: Any) -> int:
    try:
        duration = scheduling.timeout
    except (ValueError, OverflowError):
        return 0
    return int(duration.total_seconds()) if duration else 0
