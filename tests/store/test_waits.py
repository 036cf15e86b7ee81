"""How long launches waited, as the store tells it."""

import pytest
from store.conftest import Store

from launchkit.abc import Stop
from launchkit.model import ItemState
from launchkit.store import changes, queues, waits
from launchkit.store.waits import Wait

BEGUN = 1_000_000.0


async def test_a_wait_ends_with_the_start_or_the_end_of_its_launch_or_goes_on(store: Store) -> None:
    await store.queue()
    queue = (await store.database.read(queues.Get("e", "q"))).queue.id
    await store.launch("started")
    claim = await store.claimed()
    given_up = await store.launch("given-up")
    store.clock.now += 10
    await store.report(claim, ItemState.RUNNING)
    await store.write(changes.Make("e", given_up.id, Stop(), "ann"))
    store.clock.now += 5
    await store.report(claim, ItemState.FINISHED)
    await store.launch("waits")
    found = await store.database.read(waits.Waits("e", BEGUN))
    assert found == [
        Wait(queue, BEGUN, BEGUN + 10, started=True),
        Wait(queue, BEGUN, BEGUN + 10, started=False),
        Wait(queue, BEGUN + 15, None, started=False),
    ]
    assert await store.database.read(waits.Waits("e", BEGUN, queue)) == found
    assert await store.database.read(waits.Waits("e", BEGUN, queue + 1)) == []
    assert await store.database.read(waits.Waits("other", BEGUN)) == []
    late = await store.database.read(waits.Waits("e", BEGUN + 11))
    assert late == found[-1:], "what was over by then is not told"


async def test_a_look_at_as_many_as_are_looked_at_is_cut_short(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waits, "MOST", 2)
    await store.queue()
    for many in (1, 2, 3):
        await store.launch()
        found = await store.database.read(waits.Waits("e", BEGUN))
        assert (len(found), waits.cut_short(found)) == (min(many, 2), many > 1)


async def test_failures_are_counted_since_a_time(store: Store) -> None:
    await store.queue()
    for state in (ItemState.FAILED, ItemState.FINISHED, ItemState.FAILED):
        await store.launch()
        await store.report(await store.claimed(), state)
        store.clock.now += 10
    assert await store.database.read(waits.Failed("e", BEGUN)) == 2
    assert await store.database.read(waits.Failed("e", BEGUN + 11)) == 1
    assert await store.database.read(waits.Failed("other", BEGUN)) == 0
