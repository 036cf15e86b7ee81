"""Jobs and their versions."""

from collections.abc import Sequence

from fastapi import APIRouter

from launchkit.model import JobVersion
from launchkit.store.hub_jobs import StoreJobs
from launchkit.wire.user_side import JobAnswer, JobRequest
from launchkit_server.access import Reader, Submitter

router = APIRouter(tags=["jobs"])


@router.post("/jobs/{name}")
async def create(entity: str, name: str, wanted: JobRequest, who: Submitter) -> JobAnswer:
    """Add a version, unless there is an equal one."""
    version, new = await StoreJobs(who.database, entity).create(
        name, wanted.recipe, who.name, wanted.aliases
    )
    return JobAnswer(version=version, new=new)


@router.get("/jobs")
async def list_all(
    entity: str,
    who: Reader,
    name: str | None = None,
    after: str | None = None,
) -> Sequence[JobVersion]:
    """A page of the versions of one job, newest first, or of the latest of each, by name; the next
    one begins behind the last version, `vN`, or name.
    """
    return await StoreJobs(who.database, entity).page(name, after)


@router.get("/job")
async def get(entity: str, reference: str, who: Reader) -> JobVersion:
    """One version, by `name`, `name:alias` or `name:vN`."""
    return await StoreJobs(who.database, entity).get(reference)
