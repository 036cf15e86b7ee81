"""The kinds of runners that are installed at the service."""

from collections.abc import Sequence

import anyio.to_thread
from fastapi import APIRouter

from launchkit.wire.user_side import KindView
from launchkit_server import kinds
from launchkit_server.access import Reader

router = APIRouter(prefix="/kinds", tags=["queues"])


@router.get("")
async def list_all(entity: str, who: Reader) -> Sequence[KindView]:
    """All kinds, by name, each with the schema of its queues' configs and one to begin with."""
    return await anyio.to_thread.run_sync(kinds.installed)


@router.get("/{kind}")
async def get(entity: str, kind: str, who: Reader) -> KindView:
    """One kind, also by an alias."""
    return await anyio.to_thread.run_sync(kinds.kind_of, kind)
