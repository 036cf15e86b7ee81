"""The kinds of runners that are installed at the service."""

from collections.abc import Sequence

import anyio.to_thread
from fastapi import APIRouter

from launchkit.abc import Runner
from launchkit.plugins import Plugins
from launchkit.wire.user_side import KindView
from launchkit_server.access import Reader

router = APIRouter(prefix="/kinds", tags=["queues"])


@router.get("")
async def list_all(entity: str, who: Reader) -> Sequence[KindView]:
    """All kinds, by name, each with the schema of its queues' configs and one to begin with."""
    return await anyio.to_thread.run_sync(_installed)


@router.get("/{kind}")
async def get(entity: str, kind: str, who: Reader) -> KindView:
    """One kind, also by an alias."""
    return await anyio.to_thread.run_sync(_one, kind)


def _installed() -> Sequence[KindView]:
    runners = {runner.kind: runner for runner in Plugins().classes(Runner).values()}
    return [_view(runners[kind]) for kind in sorted(runners)]


def _one(kind: str) -> KindView:
    return _view(Plugins().get(Runner, kind))


def _view(runner: type[Runner]) -> KindView:
    return KindView(
        kind=runner.kind,
        aliases=runner.aliases,
        config_schema=runner.args_schema(),
        starter_config=runner.starter_config(),
    )
