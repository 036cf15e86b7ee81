"""Many launches: page by page, and changed at once, each for itself."""

from collections.abc import Awaitable, Callable, Iterable, Sequence

from launchkit.abc import ItemView, Selection
from launchkit.errors import Conflict, NotFound, Rejected
from launchkit.model import QueueItem
from launchkit.store.database import Database
from launchkit.store.hub import StoreLaunches
from launchkit.wire.user_side import Outcome

Make = Callable[[str], Awaitable[QueueItem]]


async def change_each(ids: Iterable[str], make: Make) -> Sequence[Outcome]:
    """What became of each."""
    return [await _outcome(item_id, make) for item_id in ids]


async def ids_of(database: Database, entity: str, selection: Selection) -> Sequence[str]:
    """The ids of the launches that a selection matches now, up to its limit."""
    pages = StoreLaunches(database, entity).pages(selection)
    return [view.item.id async for page in pages for view in page]


def behind(found: Sequence[ItemView], most: int) -> str | None:
    """Behind what the next page begins, if one more than *most* were asked for; None: there is
    none.
    """
    if len(found) > most:
        return found[most - 1].cursor
    return found[-1].cursor if found and found[-1].cut else None


async def _outcome(item_id: str, make: Make) -> Outcome:
    try:
        item = await make(item_id)
    except (NotFound, Conflict, Rejected) as exc:
        return Outcome(id=item_id, refused=exc.message)
    return Outcome(id=item_id, again=item.id if item.id != item_id else None)
