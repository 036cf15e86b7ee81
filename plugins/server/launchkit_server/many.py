"""Many launches: page by page, and changed at once, each for itself."""

from collections.abc import Awaitable, Callable, Sequence

from launchkit.abc import ItemView, Selection
from launchkit.errors import Conflict, Forbidden, NotFound, Rejected, Unauthenticated
from launchkit.model import QueueItem
from launchkit.store.database import Database
from launchkit.store.hub import StoreLaunches
from launchkit.wire.user_side import Outcome

Make = Callable[[str], Awaitable[QueueItem]]


async def change_each(ids: Sequence[str], make: Make) -> Sequence[Outcome]:
    """What became of each.

    :raises Unauthenticated, Forbidden: if who wants it loses the right to it in the midst; it tells
        how many were changed before.
    """
    done: list[Outcome] = []
    for item_id in ids:
        try:
            done.append(await _outcome(item_id, make))
        except (Unauthenticated, Forbidden) as exc:
            changed = sum(one.refused is None for one in done)
            text = f"{exc.message}; {changed} of {len(ids)} launches were changed before"
            raise type(exc)(text, hint=exc.hint) from exc
    return done


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
