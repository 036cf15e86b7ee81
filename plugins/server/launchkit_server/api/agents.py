"""Agents, as people see them."""

from collections.abc import Sequence

from fastapi import APIRouter

from launchkit.model import AgentView
from launchkit.store import agent_changes, agents
from launchkit.wire.user_side import AgentChangeBody
from launchkit_server.access import Operator, Reader

router = APIRouter(prefix="/agents", tags=["agents"])


@router.get("")
async def list_all(entity: str, who: Reader) -> Sequence[AgentView]:
    """The agents that were seen lately, and those that are paused."""
    return await who.database.read(agents.List(entity))


@router.post("/{name}/changes", status_code=204)
async def change(entity: str, name: str, wanted: AgentChangeBody, who: Operator) -> None:
    """Let an agent end, pause it, or resume it."""
    await who.database.write(agent_changes.Make(entity, name, wanted.change(), who.name))
