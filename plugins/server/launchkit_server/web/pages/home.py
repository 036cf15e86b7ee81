"""The first page: it leads to the first entity of the one who comes."""

from fastapi import APIRouter
from fastapi.responses import Response

from launchkit.model.people import Permission, refusal
from launchkit.store import people
from launchkit_server.web.visits import Entering, Visit

router = APIRouter()


@router.get("/")
async def show(visit: Entering, entity: str | None = None) -> Response:
    """Go to an entity: the one that was chosen, or the first that has queues or people. A new one
    begins with its first queue.
    """
    known = await visit.database.read(people.ListEntities(visit.principal))
    chosen = (entity or "").strip() or next((one.name for one in known), None)
    if chosen and chosen not in {one.name for one in known} and _may_begin(visit, chosen):
        return visit.go(visit.root("e", chosen, "new-queue"))
    if chosen is None:
        return await visit.page("welcome.html", here="home")
    return visit.go(visit.root("e", chosen))


def _may_begin(visit: Visit, entity: str) -> bool:
    return refusal(visit.principal, Permission.OPERATE, entity) is None
