"""Custom jobs, as Vertex AI is asked for them."""

from collections.abc import Sequence

from launchkit_gcp.errors import GcpRefused
from launchkit_gcp.vertex.api import PATIENT, Trying, VertexApi, log
from launchkit_gcp.vertex.board import first_of
from launchkit_gcp.vertex.names import RUN, Ref
from launchkit_gcp.vertex.view import JobView


async def found(api: VertexApi, ref: Ref, run: str | None, how: Trying = PATIENT) -> JobView | None:
    """The job of an attempt, as a listing by its labels has it; None: there is none. *run* is the
    label of its run id, as far as that is known.

    Vertex AI takes no names that would keep a request that is made twice from making two jobs:
    the first that was made counts, and others are cancelled before their machines are ready.
    """
    jobs = await api.list(ref.filter, how)
    if run is None and (first := first_of(jobs)) is not None:
        run = first.labels.get(RUN, "")
    own = [job for job in jobs if job.labels.get(RUN, "") == run]
    await settle(api, own)
    return first_of(own)


async def settle(api: VertexApi, jobs: Sequence[JobView]) -> None:
    """Cancel all jobs of one attempt but the first."""
    first = first_of(jobs)
    for job in jobs:
        if first is None or job.name == first.name or job.is_over:
            continue
        if job.state != "JOB_STATE_CANCELLING":
            log.warning(
                "%s is a second job of the run of %s: it is cancelled", job.name, first.name
            )
            await cancel(api, job.name)


async def cancel(api: VertexApi, name: str) -> None:
    """Have a job end; one that has ended meanwhile is left alone.

    :raises GcpError: if a right is missing.
    """
    try:
        await api.cancel(name)
    except GcpRefused as exc:
        if exc.denied or exc.expired:
            raise
        log.debug("%s is not cancelled: %s", name, exc)
