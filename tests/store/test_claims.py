"""Claims: who gets what, in which order, and who may write about it."""

import pytest
from store.conftest import LEASE, Clock, Store, capacity, status

from launchkit.abc import Stop
from launchkit.errors import LeaseLost, NotFound
from launchkit.model import AgentCapacity, ItemState, Pause, Priority, QueueSpec
from launchkit.store import agents, claims, hindrance, launches, queues


async def test_a_queue_without_prioritization_is_first_in_first_out(store: Store) -> None:
    await store.queue()
    for name in ("one", "two", "three"):
        await store.launch(name)
    assert [(await store.claimed()).item.name for _ in range(3)] == ["one", "two", "three"]


async def test_priorities_come_first_and_equal_ones_in_the_order_of_arrival(store: Store) -> None:
    await store.queue(prioritization=True)
    for priority in ("LOW", "MEDIUM", "HIGH", "CRITICAL", "HIGH"):
        await store.launch(f"{priority}", priority=Priority[priority])
    names = [(await store.claimed()).item.name for _ in range(5)]
    assert names == ["CRITICAL", "HIGH", "HIGH", "MEDIUM", "LOW"]


async def test_a_launch_without_priority_is_medium(store: Store) -> None:
    await store.queue(prioritization=True)
    await store.launch("low", priority=Priority.LOW)
    await store.launch("none")
    assert (await store.claimed()).item.name == "none"


async def test_an_item_is_given_once(store: Store) -> None:
    await store.queue()
    await store.launch()
    assert await store.claim("a")
    assert await store.claim("b") is None


async def test_an_empty_queue_gives_nothing_and_an_unknown_one_names_what_there_is(
    store: Store,
) -> None:
    await store.queue()
    assert await store.claim() is None
    with pytest.raises(NotFound, match=r"no queue 'p' of e; there are: q"):
        await store.claim(queue="p")


async def test_a_lapsed_lease_is_given_again_with_ref_run_id_and_a_new_token(
    store: Store, clock: Clock
) -> None:
    await store.queue()
    await store.launch()
    first = await store.claimed("a")
    await store.report(first, ItemState.RUNNING, ref="ref-1")
    clock.now += LEASE - 1
    assert await store.claim("b") is None
    clock.now += 2
    second = await store.claimed("b")
    assert (second.item.ref, second.item.run_id) == ("ref-1", first.item.run_id)
    assert (second.item.attempt, second.item.state) == (1, ItemState.RUNNING)
    assert second.token > first.token


async def test_a_lapsed_item_comes_before_one_that_waits(store: Store, clock: Clock) -> None:
    await store.queue(prioritization=True)
    await store.launch("old", priority=Priority.LOW)
    await store.claimed("a")
    await store.launch("new", priority=Priority.CRITICAL)
    clock.now += LEASE + 1
    assert (await store.claimed("b")).item.name == "old"


async def test_a_write_with_an_old_token_raises_lease_lost(store: Store, clock: Clock) -> None:
    await store.queue()
    await store.launch()
    old = await store.claimed("a")
    clock.now += LEASE + 1
    await store.claimed("b")
    with pytest.raises(LeaseLost):
        await store.report(old, ItemState.RUNNING)


async def test_a_lapsed_lease_that_nobody_took_may_still_be_written_and_renewed(
    store: Store, clock: Clock
) -> None:
    await store.queue()
    await store.launch()
    claim = await store.claimed("a")
    clock.now += LEASE + 1
    await store.report(claim, ItemState.RUNNING)
    orders = await store.write(claims.Beat("e", status("a"), {claim.item.id: claim.token}, LEASE))
    assert not orders.lost
    assert await store.claim("b") is None


async def test_a_heartbeat_tells_which_leases_are_lost(store: Store, clock: Clock) -> None:
    await store.queue()
    await store.launch("one")
    await store.launch("two")
    one, two = await store.claimed("a"), await store.claimed("a")
    clock.now += LEASE + 1
    await store.claimed("b")
    held = {claim.item.id: claim.token for claim in (one, two)}
    orders = await store.write(claims.Beat("e", status("a"), held, LEASE))
    assert orders.lost == {one.item.id}


async def test_a_lease_from_before_the_clock_was_set_back_has_lapsed(
    store: Store, clock: Clock
) -> None:
    await store.queue()
    await store.launch()
    await store.claimed("a")
    clock.now -= 3600
    assert (await store.claimed("b")).token == 2


async def test_a_run_bound_to_a_site_is_given_again_only_there(store: Store, clock: Clock) -> None:
    await store.queue()
    await store.launch()
    claim = await store.claimed("a", site="here")
    await store.report(claim, ItemState.SUBMITTING, site="here")
    clock.now += LEASE + 1
    assert await store.claim("b", site="there") is None
    assert await store.claim("c", site="here")


async def test_an_agent_without_the_runner_gets_nothing_and_is_told_why(store: Store) -> None:
    await store.queue()
    await store.launch()
    docker = AgentCapacity(agent="a", site="here", resources=frozenset({"docker"}))
    assert await store.write(claims.Take("e", "q", docker, LEASE)) is None
    why = await store.write(hindrance.Blocked("e", "q", docker))
    assert why == "queue q needs a runner for local-process, which is not installed"


async def test_max_concurrent_counts_what_is_under_way_also_if_its_agent_fell_silent(
    store: Store, clock: Clock
) -> None:
    await store.queue(max_concurrent=1)
    await store.launch("one")
    await store.launch("two")
    claim = await store.claimed("a")
    assert await store.claim("b") is None
    assert "1 of 1" in str(await store.write(hindrance.Blocked("e", "q", capacity())))
    clock.now += LEASE + 1
    assert (await store.claimed("b")).item.id == claim.item.id


async def test_the_end_of_one_makes_room_for_the_next(store: Store) -> None:
    await store.queue(max_concurrent=1)
    await store.launch("one")
    await store.launch("two")
    await store.report(await store.claimed(), ItemState.FINISHED)
    assert (await store.claimed()).item.name == "two"


async def test_a_paused_queue_gives_nothing_until_its_end(store: Store, clock: Clock) -> None:
    await store.queue()
    await store.launch()
    pause = Pause(reason="driver upgrade", by="ann", at=clock.now, until=clock.now + 60)
    made = QueueSpec(name="q", resource="local-process")
    await store.write(queues.Update("e", made, "ann", pause, None))
    assert await store.claim() is None
    assert "driver upgrade" in str(await store.write(hindrance.Blocked("e", "q", capacity())))
    clock.now += 61
    assert await store.claim()


async def test_a_preempted_item_waits_again_as_the_next_attempt_of_the_same_run(
    store: Store,
) -> None:
    await store.queue()
    await store.launch()
    first = await store.claimed()
    await store.report(first, ItemState.RUNNING, ref="ref-1")
    await store.report(first, ItemState.QUEUED, next_attempt=True)
    second = await store.claimed()
    assert (second.item.attempt, second.item.run_id) == (2, first.item.run_id)
    assert second.item.ref is None


async def test_a_released_item_keeps_its_attempt(store: Store) -> None:
    await store.queue()
    await store.launch()
    await store.report(await store.claimed(), ItemState.QUEUED)
    assert (await store.claimed()).item.attempt == 1


async def test_an_end_that_is_reported_again_is_no_error(store: Store) -> None:
    await store.queue()
    await store.launch()
    claim = await store.claimed()
    await store.report(claim, ItemState.FINISHED)
    await store.report(claim, ItemState.FINISHED)
    with pytest.raises(LeaseLost):
        await store.report(claim, ItemState.FAILED)


async def test_each_change_of_state_is_an_event_with_actor_and_cause(store: Store) -> None:
    await store.queue()
    item = await store.launch()
    claim = await store.claimed("gpu-1")
    await store.report(claim, ItemState.RUNNING)
    await store.report(claim, ItemState.FINISHED, message="well done")
    events = await store.database.read(launches.Events("e", item.id, 0))
    assert [(e.state, e.actor) for e in events] == [
        (ItemState.QUEUED, "ann"),
        (ItemState.CLAIMED, "gpu-1"),
        (ItemState.RUNNING, "gpu-1"),
        (ItemState.FINISHED, "gpu-1"),
    ]
    assert events[-1].cause == "well done"


async def test_the_leases_of_an_agent_that_is_known_to_be_dead_lapse_at_once(store: Store) -> None:
    await store.queue()
    await store.launch()
    await store.claimed("a")
    await store.write(agents.Forget("e", "a", dead=True))
    assert await store.claim("b")


@pytest.mark.parametrize("state", [ItemState.QUEUED, ItemState.HELD])
async def test_an_item_that_is_to_stop_does_not_wait_again(store: Store, state: ItemState) -> None:
    await store.queue()
    item = await store.launch()
    claim = await store.claimed()
    await store.write(launches.Stop("e", item.id, "bob", Stop()))
    await store.report(claim, state)
    assert (await store.item(item.id)).state is ItemState.STOPPED


async def test_agents_of_one_name_in_two_entities_do_not_hear_or_count_each_others(
    store: Store,
) -> None:
    await store.queue()
    item = await store.launch()
    await store.claimed("a")
    await store.write(launches.Stop("e", item.id, "bob", Stop()))
    orders = await store.write(claims.Beat("other", status("a"), {}, LEASE))
    assert orders.stop == ()
    assert [view.held for view in await store.database.read(agents.List("other"))] == [0]


async def test_attempts_that_are_over_are_told(store: Store) -> None:
    await store.queue()
    ended, later, live = [await store.launch(name) for name in ("ended", "later", "live")]
    for state, more in ((ItemState.FINISHED, {}), (ItemState.QUEUED, {"next_attempt": True})):
        await store.report(await store.claimed(), state, **more)
    attempts = {ended.id: 1, later.id: 1, live.id: 1, "unknown": 1}
    assert await store.database.read(claims.Over("e", attempts)) == {ended.id, later.id}
    assert await store.database.read(claims.Over("e", {later.id: 2})) == frozenset()
    assert await store.database.read(claims.Over("other", attempts)) == frozenset()


async def test_who_has_its_own_launch_again_is_not_told_of_as_another(
    store: Store, clock: Clock
) -> None:
    await store.queue()
    item = await store.launch()
    for agent in "abb":
        await store.claimed(agent)
        clock.now += LEASE + 1
    events = await store.database.read(launches.Events("e", item.id, 0))
    assert [event.cause for event in events if event.kind == "lease"] == [
        "taken over: agent a fell silent",
        "taken up again: agent b fell silent, and is back",
    ]
