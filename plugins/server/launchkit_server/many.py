"""Many launches that are changed at once, each for itself."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace

from launchkit.abc import Selection
from launchkit.errors import Conflict, NotFound, Rejected
from launchkit.model import QueueItem
from launchkit.store.database import Database
from launchkit.store.hub import StoreLaunches
from launchkit.wire.user_side import MAX_CHANGES, Outcome

Make = Callable[[str], Awaitable[QueueItem]]


async def change_each(ids: Iterable[str], make: Make) -> Sequence[Outcome]:
    """What became of each."""
    return [await _outcome(item_id, make) for item_id in ids]


async def ids_of(database: Database, entity: str, selection: Selection, most: int) -> Sequence[str]:
    """The ids of the launches that a selection matches now, *most* of them at most."""
    launches = StoreLaunches(database, entity)
    ids: list[str] = []
    after = None
    while len(ids) < most:
        limit = min(MAX_CHANGES, most - len(ids))
        page = await launches.list(replace(selection, after=after, limit=limit))
        ids += [view.item.id for view in page]
        if len(page) < limit:
            break
        after = page[-1].cursor
    return ids


async def _outcome(item_id: str, make: Make) -> Outcome:
    try:
        item = await make(item_id)
    except (NotFound, Conflict, Rejected) as exc:
        return Outcome(id=item_id, refused=exc.message)
    return Outcome(id=item_id, again=item.id if item.id != item_id else None)
