"""The overview of an entity: what waits, what runs, what is in the way."""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from launchkit.abc import ItemView, Selection
from launchkit.model import AgentView, Pause
from launchkit.store import agents, waits
from launchkit.store.hub import StoreLaunches, StoreQueues
from launchkit_server.web.charts import History, Window, history, points
from launchkit_server.web.pages.queues import QueueRow, row_of
from launchkit_server.web.twins import launching
from launchkit_server.web.visits import Reading

router = APIRouter(prefix="/e/{entity}")

DAY = 86400.0
LATEST = 8


@dataclass(frozen=True, kw_only=True)
class Line:
    """A queue on the overview."""

    row: QueueRow
    history: History
    agents: int
    """How many are online for it."""

    @property
    def points(self) -> str:
        """Its depth over the day, as a small line."""
        return points(self.history.depth)

    @property
    def unserved(self) -> bool:
        """Whether launches wait, and nobody is there who claims them."""
        return bool(self.row.waiting) and not self.agents and not self.row.pause


@dataclass(frozen=True, kw_only=True)
class Overview:
    """What the overview shows."""

    now: float
    lines: Sequence[Line]
    agents: Sequence[AgentView]
    failed: int
    latest: Sequence[ItemView]
    cut: int | None
    """How many launches of a kind its lines and waits look at, if there may be more."""
    launching: str
    """The command that launches into the first of the queues."""

    @property
    def waiting(self) -> int:
        """In all queues."""
        return sum(line.row.waiting for line in self.lines)

    @property
    def running(self) -> int:
        """In all queues."""
        return sum(line.row.running for line in self.lines)

    @property
    def online(self) -> int:
        """Agents that were seen just now."""
        return sum(one.online for one in self.agents)

    @property
    def pauses(self) -> Sequence[tuple[str, Pause]]:
        """The queues that are paused."""
        return [(one.row.name, one.row.pause) for one in self.lines if one.row.pause]

    @property
    def unserved(self) -> Sequence[str]:
        """The queues in which launches wait for an agent."""
        return [line.row.name for line in self.lines if line.unserved]


@router.get("")
async def show(visit: Reading) -> Response:
    """The overview; an entity in which nothing ever stood has none."""
    database, now = visit.database, time.time()
    window = Window(now=now, seconds=DAY)
    views = await StoreQueues(database, visit.entity).list()
    if not views and not await visit.entity_is_known():
        return await visit.page("unknown-entity.html", status=404, here="overview")
    there = await database.read(agents.List(visit.entity))
    waited = await database.read(waits.Waits(visit.entity, window.begin))
    found: dict[int, list[waits.Wait]] = defaultdict(list)
    for one in waited:
        found[one.queue].append(one)
    lines = [
        Line(
            row=row_of(view, now),
            history=history(found[view.queue.id], window),
            agents=serving(there, view.queue.name),
        )
        for view in views
    ]
    latest = await StoreLaunches(database, visit.entity).page(Selection(limit=LATEST))
    seen = await visit.service.seen_queues.of(views[0].queue) if views else None
    overview = Overview(
        now=now,
        lines=lines,
        agents=there,
        failed=await database.read(waits.Failed(visit.entity, window.begin)),
        latest=latest,
        cut=waits.MOST if waits.cut_short(waited) else None,
        launching=launching(seen.shown) if seen else "",
    )
    return await visit.page("overview.html", here="overview", view=overview)


def serving(there: Sequence[AgentView], queue: str) -> int:
    """How many agents are online for a queue."""
    return sum(one.online and queue in one.status.queues for one in there)
