"""Agents: what each can run and does, and what people want of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from launchkit.codec import decode
from launchkit.model import AgentView
from launchkit.store import agent_changes, agents
from launchkit.store.leases import Lease, Leases
from launchkit.wire.user_side import AgentChangeBody
from launchkit_server.web.visits import Operating, Reading, Visit

router = APIRouter(prefix="/e/{entity}/agents")

MAX_HELD = 500


@dataclass(frozen=True, kw_only=True)
class AgentCard:
    """An agent, and what it holds."""

    view: AgentView
    held: Sequence[Lease]

    @property
    def name(self) -> str:
        """Its name."""
        return self.view.status.name

    @property
    def state(self) -> str:
        """In a word."""
        if not self.view.online:
            return "offline"
        if self.view.draining or self.view.status.draining:
            return "draining"
        return "paused" if self.view.pause else "online"


@router.get("")
async def show(visit: Reading) -> Response:
    """All that were seen within a day, or are paused."""
    return await visit.page("agents.html", here="agents", cards=await _cards(visit))


@router.post("/{name}")
async def change(name: str, visit: Operating) -> Response:
    """Pause an agent, resume it, or let it end."""
    wanted = decode(
        AgentChangeBody,
        {"kind": visit.form.text("kind"), "reason": visit.form.text("reason") or None},
    )
    body = agent_changes.Make(visit.entity, name, wanted.change(), visit.name)
    await visit.database.write(body)
    return visit.go(visit.at("agents"))


async def _cards(visit: Visit) -> Sequence[AgentCard]:
    views = await visit.database.read(agents.List(visit.entity))
    held = await visit.database.read(Leases(visit.entity, MAX_HELD))
    of: Mapping[str, list[Lease]] = {one.status.name: [] for one in views}
    for one in held:
        if one.agent in of:
            of[one.agent].append(one)
    return [AgentCard(view=one, held=of[one.status.name]) for one in views]
