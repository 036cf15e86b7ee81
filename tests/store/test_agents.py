"""What people want of agents: an end, a pause."""

import anyio
import pytest
from store.conftest import LEASE, Clock, Store, capacity, status
from waiting import PATIENCE

from launchkit.abc import AgentChange, Drain, PauseAgent, ResumeAgent
from launchkit.errors import AgentReplaced, NotFound
from launchkit.model import AgentOrders, AgentView, ItemState
from launchkit.store import agent_changes, agents, claims, hindrance, leases, topics
from launchkit.store.happened import Audit

PAUSE = PauseAgent(reason="new driver")


async def change(store: Store, wanted: AgentChange, name: str = "a") -> None:
    await store.write(agent_changes.Make("e", name, wanted, "bob"))


async def beat(store: Store, name: str = "a") -> AgentOrders:
    return await store.write(claims.Beat("e", status(name), {}, LEASE))


async def listed(store: Store) -> list[AgentView]:
    return await store.database.read(agents.List("e"))


async def test_an_agent_that_is_to_end_is_told_with_its_next_beat(store: Store) -> None:
    await beat(store)
    await change(store, Drain())
    assert (await beat(store)).drain
    assert [view.draining for view in await listed(store)] == [True]


async def test_who_drained_paused_or_resumed_an_agent_is_in_the_audit(store: Store) -> None:
    await beat(store)
    for wanted in (PAUSE, ResumeAgent(), Drain()):
        await change(store, wanted)
    said = [(one.actor, one.what) for one in await store.database.read(Audit())]
    assert said == [
        ("bob", "drained agent a of e"),
        ("bob", "resumed agent a of e"),
        ("bob", "paused agent a of e"),
    ]


async def test_a_change_of_an_agent_that_is_said_again_is_in_the_audit_once(store: Store) -> None:
    await beat(store)
    for wanted in (ResumeAgent(), PAUSE, PAUSE, ResumeAgent(), ResumeAgent(), Drain(), Drain()):
        await change(store, wanted)
    said = [one.what for one in await store.database.read(Audit())]
    assert said == ["drained agent a of e", "resumed agent a of e", "paused agent a of e"]


async def test_a_pause_for_another_reason_is_another_change(store: Store) -> None:
    await beat(store)
    for reason in ("new driver", "new disk"):
        await change(store, PauseAgent(reason=reason))
    assert len(await store.database.read(Audit())) == 2
    assert [view.pause and view.pause.reason for view in await listed(store)] == ["new disk"]


async def test_the_next_agent_of_that_name_is_not_told_to_end(store: Store) -> None:
    await beat(store)
    await change(store, Drain())
    await store.write(agents.Forget("e", "a", dead=False))
    assert not (await beat(store)).drain


async def test_a_paused_agent_is_given_nothing_and_others_are(store: Store) -> None:
    await store.queue()
    item = await store.launch()
    await beat(store)
    await change(store, PAUSE)
    assert await store.claim() is None
    why = await store.database.read(hindrance.Blocked("e", "q", capacity()))
    assert why == "agent a is paused: new driver (by bob)"
    assert (await store.claimed("b")).item.id == item.id


async def test_a_resumed_agent_is_given_launches_again(store: Store) -> None:
    await store.queue()
    await store.launch()
    await beat(store)
    await change(store, PAUSE)
    await change(store, ResumeAgent())
    assert await store.claim() is not None


async def test_a_pause_outlives_the_agent(store: Store) -> None:
    await store.queue()
    await store.launch()
    await beat(store)
    await change(store, PAUSE)
    await store.write(agents.Forget("e", "a", dead=True))
    [view] = await listed(store)
    assert (view.online, view.pause and view.pause.reason) == (False, "new driver")
    await beat(store)
    assert await store.claim() is None


async def test_a_paused_agent_keeps_what_it_has(store: Store) -> None:
    await store.queue()
    await store.launch()
    claim = await store.claimed()
    await beat(store)
    await change(store, PAUSE)
    orders = await store.write(claims.Beat("e", status(), {claim.item.id: claim.token}, LEASE))
    assert (orders.lost, orders.stop) == (frozenset(), ())


async def test_an_item_tells_that_all_its_agents_are_paused(store: Store) -> None:
    await store.queue()
    item = await store.launch()
    await beat(store)
    await change(store, PAUSE)
    assert await store.why(item) == "agent a is paused: new driver (by bob)"


async def test_who_waits_for_a_queue_is_woken_when_its_agent_is_resumed(store: Store) -> None:
    await store.queue()
    await beat(store)
    await change(store, PAUSE)
    with store.database.topics.subscribed("queue:1") as news, anyio.fail_after(PATIENCE):
        await change(store, ResumeAgent())
        assert await news.wait(PATIENCE)


async def test_an_agent_that_nobody_knows_is_an_error_that_names_the_others(
    store: Store, clock: Clock
) -> None:
    await beat(store, "b")
    with pytest.raises(NotFound, match="no agent 'a' of e; there are: b"):
        await change(store, PAUSE)


async def test_a_later_registration_frees_what_the_earlier_one_held(store: Store) -> None:
    await store.queue()
    await store.launch()
    await store.write(agents.Register("e", status(), "first"))
    held = await store.claimed()
    await store.write(agents.Register("e", status(), "first"))  # its answer was lost
    assert await store.claim() is None
    with store.database.topics.subscribed(topics.of_agent("e", "a")) as news:
        await store.write(agents.Register("e", status(), "second"))
        assert await news.wait(PATIENCE)
    taken = await store.claimed()
    assert (taken.item.id, taken.token) == (held.item.id, held.token + 1)


@pytest.mark.parametrize("limit", [None, 5])
async def test_an_agent_that_was_replaced_is_refused(store: Store, limit: int | None) -> None:
    await store.queue(max_concurrent=limit)
    await store.launch()
    for session in ("first", "second"):
        await store.write(agents.Register("e", status(), session))
    for body in (
        claims.Take("e", "q", capacity(), LEASE, "id", "first"),
        claims.Beat("e", status(), {}, LEASE, "first"),
        claims.LookOut("e", ["q"], capacity(), LEASE, session="first"),
    ):
        with pytest.raises(AgentReplaced, match="agent named a was started anew"):
            await store.write(body)  # type: ignore[arg-type]
    assert await store.write(claims.Take("e", "q", capacity(), LEASE, "id", "second")) is not None


async def test_the_end_of_a_replaced_agent_leaves_the_later_one_alone(store: Store) -> None:
    await store.queue()
    await store.launch()
    for session in ("first", "second"):
        await store.write(agents.Register("e", status(), session))
    held = await store.claimed()
    await store.write(agents.Forget("e", "a", dead=True, session="first"))
    orders = await store.write(
        claims.Beat("e", status(), {held.item.id: held.token}, LEASE, "second")
    )
    assert not orders.lost
    assert len(await listed(store)) == 1


async def test_what_an_agent_sent_before_it_left_does_not_bring_it_back(store: Store) -> None:
    await store.write(agents.Register("e", status(), "first"))
    await store.write(agents.Forget("e", "a", dead=True, session="first"))
    with pytest.raises(AgentReplaced):
        await store.write(claims.Beat("e", status(), {}, LEASE, "first"))
    assert await listed(store) == []
    await store.write(agents.Register("e", status(), "second"))
    assert [view.status.name for view in await listed(store)] == ["a"]


async def test_a_lease_tells_since_when_and_until_when_its_agent_holds_it(
    store: Store, clock: Clock
) -> None:
    async def held() -> list[tuple[str, float | None, float]]:
        found = await store.database.read(leases.Leases("e", 10))
        return [(lease.agent, lease.since, lease.until) for lease in found]

    await store.queue()
    await store.launch()
    assert await held() == []
    begin = clock.now
    claim = await store.claimed("a")
    clock.now += 5
    await store.report(claim, ItemState.RUNNING)
    await store.write(claims.Beat("e", status("a"), {claim.item.id: claim.token}, LEASE))
    assert await held() == [("a", begin, begin + 5 + LEASE)]
    clock.now += LEASE + 1
    [lapsed] = await store.database.read(leases.Leases("e", 10))
    assert lapsed.lapsed
    over = clock.now
    claim = await store.claimed("b")
    assert await held() == [("b", over, over + LEASE)]
    await store.report(claim, ItemState.FINISHED)
    assert await held() == []
