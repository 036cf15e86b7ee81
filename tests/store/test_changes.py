"""What a person changes about launches that wait: hold, release, priority; and lists of some."""

from dataclasses import replace

import anyio
import pytest
from store.conftest import Clock, Store
from waiting import PATIENCE

from launchkit.abc import Change, Hold, LaunchRequest, Move, Order, Release, Selection, SetPriority
from launchkit.errors import Conflict, NotFound, Rejected
from launchkit.model import Event, ItemState, Priority, QueueItem, QueueSpec, Variable
from launchkit.store import changes, launches, queues, submitting

HIGH, LOW = SetPriority(level=Priority.HIGH), SetPriority(level=Priority.LOW)
HOLD = Hold(reason="bad data")


async def change(store: Store, item: QueueItem, wanted: Change) -> QueueItem:
    return await store.write(changes.Make("e", item.id, wanted, "bob"))


async def last_event(store: Store, item: QueueItem) -> Event:
    return (await store.database.read(launches.Events("e", item.id, 0)))[-1]


async def names(store: Store, **wanted: object) -> list[str]:
    views = await store.database.read(launches.List("e", Selection(**wanted)))  # type: ignore[arg-type]
    return [view.item.name for view in views]


@pytest.mark.parametrize("order", ["newest", "oldest", "line"])
async def test_each_place_in_a_list_is_that_of_the_item_alone(store: Store, order: Order) -> None:
    await store.queue(prioritization=True)
    levels = (Priority.LOW, Priority.HIGH, Priority.LOW, Priority.MEDIUM, Priority.HIGH)
    made = [await store.launch(priority=level) for level in levels * 2]
    await change(store, made[2], HOLD)
    views = await store.database.read(launches.List("e", Selection(order=order)))
    alone = [await store.database.read(launches.Get("e", one.item.id)) for one in views]
    assert [one.position for one in views] == [one.position for one in alone]
    assert sorted(one.position for one in views if one.position) == [*range(1, 10)]


async def test_a_held_item_is_not_claimed_and_tells_why(store: Store) -> None:
    await store.queue()
    item = await store.launch()
    assert (await change(store, item, HOLD)).state is ItemState.HELD
    assert await store.claim() is None
    view = await store.database.read(launches.Get("e", item.id))
    assert (view.position, view.reason) == (None, "held by bob: bad data")
    event = await last_event(store, item)
    assert (event.state, event.actor, event.cause) == (ItemState.HELD, "bob", "bad data")


async def test_a_released_item_has_the_place_that_it_had(store: Store) -> None:
    await store.queue()
    first, _ = await store.launch("first"), await store.launch("second")
    await change(store, first, HOLD)
    released = await change(store, first, Release())
    assert (released.state, released.message) == (ItemState.QUEUED, None)
    assert (await last_event(store, first)).cause == "released"
    assert (await store.claimed()).item.id == first.id


@pytest.mark.parametrize("wanted", [Release(), SetPriority(level=Priority.MEDIUM)])
async def test_a_change_that_changes_nothing_leaves_no_event(store: Store, wanted: Change) -> None:
    await store.queue(prioritization=True)
    item = await store.launch()
    await change(store, item, wanted)
    assert len(await store.database.read(launches.Events("e", item.id, 0))) == 1


@pytest.mark.parametrize("wanted", [HOLD, Release(), HIGH])
async def test_what_is_under_way_or_has_ended_is_not_changed(store: Store, wanted: Change) -> None:
    await store.queue(prioritization=True)
    item = await store.launch()
    claim = await store.claimed()
    with pytest.raises(Conflict, match="under way: claimed"):
        await change(store, item, wanted)
    await store.report(claim, ItemState.FAILED)
    with pytest.raises(Conflict, match="has ended: failed"):
        await change(store, item, wanted)


async def test_a_new_priority_changes_the_order_and_is_recorded(store: Store) -> None:
    await store.queue(prioritization=True)
    first, second = await store.launch("first"), await store.launch("second")
    assert (await change(store, second, HIGH)).priority is Priority.HIGH
    event = await last_event(store, second)
    assert (event.kind, event.cause, event.actor) == ("priority", "high, was medium", "bob")
    assert [(await store.claimed()).item.id for _ in range(2)] == [second.id, first.id]


async def test_a_held_item_keeps_its_new_priority(store: Store) -> None:
    await store.queue(prioritization=True)
    item, other = await store.launch(), await store.launch("other")
    for wanted in (HOLD, LOW, Release()):
        await change(store, item, wanted)
    assert [(await store.claimed()).item.id for _ in range(2)] == [other.id, item.id]


async def test_a_priority_is_refused_where_the_queue_takes_none(store: Store) -> None:
    await store.queue()
    with pytest.raises(Rejected, match="no prioritization"):
        await change(store, await store.launch(), HIGH)


async def test_priorities_that_a_queue_gives_up_are_gone_from_held_items_too(store: Store) -> None:
    await store.queue(prioritization=True)
    first, second = await store.launch("first"), await store.launch(priority=Priority.HIGH)
    await change(store, second, HOLD)
    spec = queues.QueueSpec(name="q", resource="local-process")
    await store.write(queues.Update("e", spec, "ann", None, None))
    await change(store, second, Release())
    assert [(await store.claimed()).item.id for _ in range(2)] == [first.id, second.id]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"name": "sweep-*"}, ["sweep-[b]", "sweep-a%"]),
        ({"name": "SWEEP-*"}, []),
        ({"name": "sweep-?%"}, ["sweep-a%"]),
        ({"name": "sweep-[b]"}, ["sweep-[b]"]),
        ({"name": "sweep_a%"}, []),
        ({"author": "ann"}, ["other", "sweep-[b]", "sweep-a%"]),
        ({"author": "bob"}, []),
        ({"agent": "a"}, ["sweep-a%"]),
        ({"since": 1_000_010.0}, ["other"]),
    ],
)
async def test_lists_hold_what_is_wanted(
    store: Store, clock: Clock, wanted: dict[str, object], found: list[str]
) -> None:
    await store.queue()
    await store.launch("sweep-a%")
    await store.launch("sweep-[b]")
    clock.now += 10
    await store.launch("other")
    await store.claimed("a")
    assert await names(store, **wanted) == found


async def test_the_record_of_a_repeated_launch_names_the_first_one(store: Store) -> None:
    await store.queue()
    first = await store.launch()
    request = LaunchRequest(spec=first.spec, actor="bob", again=first.id)
    second = await store.write(submitting.Launch("e", "q", request))
    assert (await last_event(store, second)).cause == f"again: {first.id}"


@pytest.mark.parametrize("given", ["", "x\n2026-11-30 by bob: approved", "run", "run_id", "of e2"])
async def test_a_launch_repeats_what_has_an_id_in_its_entity_and_no_other_text(
    store: Store, given: str
) -> None:
    await store.queue()
    first = await store.launch("run")
    await store.write(queues.Create("e2", QueueSpec(name="q", resource="local-process"), "ann"))
    wanted = LaunchRequest(spec=first.spec, actor="ann")
    other = await store.write(submitting.Launch("e2", "q", wanted))
    again = {"run_id": first.run_id, "of e2": other.id}.get(given, given)
    with pytest.raises(Rejected, match=r"again: .* is not the id of a launch of e") as refused:
        await store.write(submitting.Launch("e", "q", replace(wanted, again=again)))
    assert "\n" not in str(refused.value)
    assert "launchkit ls -o name" in (refused.value.hint or "")
    assert await names(store) == ["run"]


async def test_the_newest_events_of_all_items_are_given_in_their_order(store: Store) -> None:
    await store.queue()
    first, second = await store.launch(), await store.launch()
    events = await store.database.read(launches.Newest("e", 0, 2**62))
    assert [event.item_id for event in events] == [first.id, second.id]
    assert await store.database.read(launches.Newest("e", events[-1].id, 2**62)) == []
    assert await store.database.read(launches.Newest("other", 0, 2**62)) == []


async def test_who_watches_an_entity_is_woken_by_any_of_its_items(store: Store) -> None:
    await store.queue()
    with store.database.topics.subscribed("entity:e") as news, anyio.fail_after(PATIENCE):
        await store.launch()
        assert await news.wait(PATIENCE)


async def test_an_item_that_moves_is_claimed_from_its_new_queue(store: Store) -> None:
    await store.queue()
    await store.queue("r", prioritization=True)
    item, stays = await store.launch("moves"), await store.launch("stays")
    moved = await change(store, item, Move(queue="r"))
    assert moved.queue == "r"
    assert (await last_event(store, item)).cause == "moved to queue r, was in q"
    assert (await store.claimed()).item.id == stays.id
    claim = await store.claim(queue="r")
    assert claim is not None
    assert claim.item.id == item.id


async def test_an_item_moves_to_the_place_of_its_launch(store: Store) -> None:
    await store.queue()
    await store.queue("r")
    early = await store.launch("early")
    await store.launch("late", queue="r")
    await change(store, early, Move(queue="r"))
    assert (await store.database.read(launches.Get("e", early.id))).position == 1


async def test_a_priority_is_left_behind_where_there_is_no_prioritization(store: Store) -> None:
    await store.queue(prioritization=True)
    await store.queue("r")
    item = await store.launch(priority=Priority.HIGH)
    assert (await change(store, item, Move(queue="r"))).priority is Priority.MEDIUM


async def test_an_item_moves_only_where_it_is_allowed(store: Store) -> None:
    await store.queue()
    wanted = {"size": Variable(type="integer")}
    await store.queue("r", variables=wanted, config={"size": "{{size}}"})
    item = await store.launch()
    with pytest.raises(Rejected, match="size"):
        await change(store, item, Move(queue="r"))
    with pytest.raises(NotFound, match="no queue 's'"):
        await change(store, item, Move(queue="s"))
    assert (await store.claimed()).item.id == item.id


@pytest.mark.parametrize(
    ("order", "expected"),
    [("newest", "edcba"), ("oldest", "abcde"), ("line", "cabde")],
)
async def test_a_list_is_read_page_by_page(store: Store, order: Order, expected: str) -> None:
    await store.queue(prioritization=True)
    for name in "abcde":
        await store.launch(name, priority=Priority.HIGH if name == "c" else None)
    seen, after = "", None
    while page := await store.database.read(
        launches.List("e", Selection(order=order, after=after, limit=2))
    ):
        seen += "".join(view.item.name for view in page)
        after = page[-1].item.id
    assert seen == expected


async def test_a_list_leaves_out_what_was_sent_to_the_runner(store: Store) -> None:
    await store.queue()
    await store.launch()
    claim = await store.claimed()
    await store.report(claim, ItemState.RUNNING, resolved={"large": "x"})
    [view] = await store.database.read(launches.List("e", Selection()))
    assert view.item.resolved is None
    assert (await store.item(claim.item.id)).resolved == {"large": "x"}
