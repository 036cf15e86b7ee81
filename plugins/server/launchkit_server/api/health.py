"""Whether the service lives, and can work."""

import anyio
from fastapi import APIRouter

from launchkit.errors import Unreachable
from launchkit.store import agents
from launchkit_server.service import TheService

router = APIRouter(tags=["health"])

READY_SECONDS = 3.0
"""Less than those have patience who ask."""


@router.get("/livez")
async def livez() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(service: TheService) -> dict[str, str]:
    """The database answers, and the service is not about to end."""
    if service.ending:
        raise Unreachable("the service is about to end", retry_after=1.0)
    with anyio.move_on_after(READY_SECONDS):
        await service.database.read(agents.List(""), prompt=True)
        return {"status": "ok"}
    raise Unreachable(f"the database did not answer within {READY_SECONDS:g} seconds")
