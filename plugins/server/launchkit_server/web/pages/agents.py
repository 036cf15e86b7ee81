"""Agents: what each can run and does, and what people want of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from launchkit.abc import ItemView, Selection
from launchkit.codec import decode
from launchkit.model import AgentView, ItemState
from launchkit.store import agents
from launchkit.store.backend import StoreLaunches
from launchkit.wire.user_side import AgentChangeBody
from launchkit_server.web.visits import Operating, Reading, Visit

router = APIRouter(prefix="/e/{entity}/agents")

HELD = [state for state in ItemState if not state.ended and state not in {"queued", "held"}]
MAX_HELD = 500


@dataclass(frozen=True, kw_only=True)
class AgentCard:
    """An agent, and what it holds."""

    view: AgentView
    held: Sequence[ItemView]

    @property
    def name(self) -> str:
        """Its name."""
        return self.view.status.name

    @property
    def state(self) -> str:
        """In a word."""
        if not self.view.online:
            return "offline"
        if self.view.pause:
            return "paused"
        return "draining" if self.view.draining or self.view.status.draining else "online"


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
    body = agents.Make(visit.entity, name, wanted.change(), visit.name)
    await visit.service.database.write(body)
    return visit.go(visit.at("agents"))


async def _cards(visit: Visit) -> Sequence[AgentCard]:
    views = await visit.service.database.read(agents.List(visit.entity))
    wanted = Selection(states=HELD, order="oldest", limit=MAX_HELD)
    held = await StoreLaunches(visit.service.database, visit.entity).list(wanted)
    of: Mapping[str | None, list[ItemView]] = {one.status.name: [] for one in views}
    for one in held:
        if one.item.agent in of:
            of[one.item.agent].append(one)
    return [AgentCard(view=one, held=of[one.status.name]) for one in views]
