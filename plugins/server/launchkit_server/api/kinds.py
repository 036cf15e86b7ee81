"""The kinds of runners that are installed at the service."""

from collections.abc import Sequence

import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import Response

from launchkit.wire.user_side import KindView
from launchkit_server import kinds
from launchkit_server.access import Reader

router = APIRouter(prefix="/kinds", tags=["queues"])


@router.get("", response_model=Sequence[KindView])
async def list_all(entity: str, request: Request, who: Reader) -> Response:
    """All kinds, by name, each with the schema of its queues' configs and one to begin with."""
    return (await anyio.to_thread.run_sync(kinds.kept_installed)).answer(request)


@router.get("/{kind}", response_model=KindView)
async def get(entity: str, kind: str, request: Request, who: Reader) -> Response:
    """One kind, also by an alias."""
    return (await anyio.to_thread.run_sync(kinds.kept_kind_of, kind)).answer(request)
