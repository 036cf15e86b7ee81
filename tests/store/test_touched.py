"""What was touched is named once, and what is too much to name is told, too."""

from store.conftest import Store

from launchkit.abc import Stop
from launchkit.store import launches, touched
from launchkit.store.touched import Glance


async def glance(store: Store, since: int, entity: str = "e") -> Glance:
    return await store.database.read(touched.Touched(entity, since, 10**9))


async def test_launches_and_queues_that_were_touched_are_named_once(store: Store) -> None:
    await store.queue()
    item = await store.launch()
    await store.write(launches.Stop("e", item.id, "ana", Stop()))
    seen = await glance(store, 0)
    assert (seen.items, seen.queues, seen.all) == ([item.id], ["q"], False)
    assert not await glance(store, seen.last)


async def test_other_entities_are_not_told_of(store: Store) -> None:
    await store.queue()
    assert not await glance(store, 0, "other")


async def test_too_much_to_name_is_told_without_names(store: Store) -> None:
    await store.queue()
    for _ in range(touched.PAGE + 1):
        await store.launch()
    assert await glance(store, 0) == Glance(10**9, all=True)
