"""Launches that are large: a page of them holds only so much."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import pytest
from store.conftest import Clock, Store, spec

from launchkit.abc import LaunchRequest, Order, Selection, Stop, hub
from launchkit.codec import encode_json
from launchkit.model import ItemReport, ItemState, Overrides, QueueSpec
from launchkit.store import claims, events, launches, queues, submitting
from launchkit.store.database import Database, Row, Tx
from launchkit.store.hub import StoreLaunches
from launchkit.store.opening import database_of
from launchkit.store.rows import size_of

ORDERS: Sequence[Order] = ("newest", "oldest", "line", "author", "waited")


async def launched(database: Database, name: str, characters: int) -> None:
    overrides = Overrides(config={"text": "x" * characters})
    request = LaunchRequest(spec=replace(spec(name), overrides=overrides), actor="ann")
    await database.write(submitting.Launch("e", "q", request))


async def with_queue(database: Database) -> None:
    made = QueueSpec(name="q", resource="local-process")
    await database.write(queues.Create("e", made, "ann"))


async def test_a_page_of_large_launches_ends_before_it_is_too_large(url: str) -> None:
    database = database_of(url, Clock())
    async with database.opened():
        await with_queue(database)
        for number in range(4):
            await launched(database, f"n{number}", 3_000_000)
        for order in ORDERS:
            page = await database.read(launches.List("e", Selection(order=order)))
            assert [view.cut for view in page] == [False, True]
            stored = sum(len(encode_json(view.item.spec)) for view in page)
            assert stored <= launches.MOST_CHARACTERS


async def test_a_list_of_large_launches_comes_whole_and_each_of_them_once(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launches, "MOST_CHARACTERS", 3000)
    monkeypatch.setattr(launches, "AT_ONCE", 2)
    monkeypatch.setattr(hub, "PAGE", 4)
    names = [f"n{number}" for number in range(12)]
    database = database_of(url, Clock())
    async with database.opened():
        await with_queue(database)
        for number, name in enumerate(names):
            await launched(database, name, 4000 if number % 3 == 1 else 200)
        mine = StoreLaunches(database, "e")
        for order, reverse in product(ORDERS, (False, True)):
            selection = Selection(order=order, reverse=reverse)
            found = [view.item.name for view in await mine.list(selection)]
            assert sorted(map(str, found)) == sorted(names)
            pages = [page async for page in mine.pages(replace(selection, limit=7))]
            assert [view.item.name for page in pages for view in page] == found[:7]
            assert all(page[-1].cut or len(page) == 4 for page in pages[:-1])


async def test_of_a_cause_that_is_too_long_the_beginning_and_the_end_are_kept(
    store: Store,
) -> None:
    await store.queue()
    await store.launch()
    claim = await store.claimed()
    long = f"begin {'x ' * 500_000}end"
    report = ItemReport(state=ItemState.RUNNING, message=long, warnings=(long,))
    await store.write(claims.Report(claim, report))
    wish = Stop(reason=long)
    await store.write(launches.Stop("e", claim.item.id, "ann", wish))
    told = await store.database.read(launches.Events("e", claim.item.id, 0))
    assert [event.kind for event in told] == ["state", "state", "warning", "state", "stop"]
    causes = [event.cause or "" for event in told[2:]]
    assert max(map(len, causes)) <= events.MOST_CHARACTERS
    assert {(cause[:5], cause[-3:]) for cause in causes} == {("begin", "end")}


async def test_of_what_waits_in_a_queue_that_is_deleted_no_more_is_read_than_its_ids(
    store: Store,
) -> None:
    await store.queue()
    await launched(store.database, "large", 3_000_000)
    queue = (await store.database.read(queues.Get("e", "q"))).queue

    async def open_items(tx: Tx) -> Sequence[Row]:
        return await tx.all("open_items", queue=queue.id, most=9)

    (row,) = await store.write(open_items)
    assert size_of(row) < 100
    assert (await store.write(queues.Delete("e", "q", "ann", force=True))).stopped == 1
