"""Launches: put in once, found, stopped, explained."""

from dataclasses import replace
from typing import Any

import pytest
from store.conftest import LEASE, Clock, Store, spec, status

from launchkit.abc import LaunchRequest, Order, Selection, Stop
from launchkit.errors import ConfigError, Conflict, NotFound, Rejected
from launchkit.model import GitSource, ItemState, LaunchSpec, Priority, QueueSpec, Recipe, Variable
from launchkit.store import claims, jobs, launches, queues, submitting
from launchkit.store.backend import StoreBackend


async def test_a_priority_is_refused_where_the_queue_has_none(store: Store) -> None:
    await store.queue()
    with pytest.raises(Rejected, match="no prioritization"):
        await store.launch(priority=Priority.HIGH)


async def test_the_same_idempotency_key_gives_the_same_item(store: Store) -> None:
    await store.queue()
    first, again = await store.launch(key="k"), await store.launch(key="k")
    assert again.id == first.id
    assert len(await store.database.read(launches.List("e", Selection()))) == 1


async def test_the_same_idempotency_key_with_another_request_is_refused(store: Store) -> None:
    await store.queue()
    await store.launch(key="k")
    with pytest.raises(Conflict, match="another request"):
        await store.launch(key="k", image="other")


async def test_nobody_launches_by_the_idempotency_key_of_somebody_else(store: Store) -> None:
    await store.queue()
    theirs = await store.launch(key="nightly")
    request = LaunchRequest(spec=spec(), actor="bob", idempotency_key="nightly")
    with pytest.raises(Conflict, match=f"somebody else: launch {theirs.id}"):
        await store.write(submitting.Launch("e", "q", request))


def test_a_branch_that_moved_is_still_the_same_request() -> None:
    def digest(commit: str) -> str:
        source = GitSource(remote="https://h/r", ref="main", commit=commit)
        return submitting.request_digest(
            "q", LaunchSpec(recipe=Recipe(source=source)), Priority.LOW, "ann"
        )

    assert digest("a" * 40) == digest("b" * 40)


async def test_a_key_gives_no_launch_of_an_older_version_of_the_job(store: Store) -> None:
    def launch(commit: str) -> submitting.Launch:
        wanted = LaunchSpec(recipe=_at(commit), job="train")
        request = LaunchRequest(spec=wanted, actor="ann", idempotency_key="k")
        return submitting.Launch("e", "q", request)

    await store.queue()
    await store.write(jobs.Create("e", "train", _at("a" * 40), "ann", ()))
    first = await store.write(launch("a" * 40))
    await store.write(jobs.Create("e", "train", _at("b" * 40), "ann", ()))
    with pytest.raises(Conflict, match=f"another request.*launch {first.id}"):
        await store.write(launch("b" * 40))
    assert (await store.write(launch("a" * 40))).id == first.id


def _at(commit: str) -> Recipe:
    return Recipe(source=GitSource(remote="https://h/r", ref="main", commit=commit))


async def test_template_values_are_checked_at_launch(store: Store) -> None:
    variables = {"gpus": Variable(type="integer", minimum=1, maximum=4)}
    await store.queue(config={"nice": "{{gpus}}"}, variables=variables)
    wanted = LaunchSpec(recipe=spec().recipe, template_variables={"gpus": 9})
    with pytest.raises(Rejected, match="gpus"):
        await store.write(submitting.Launch("e", "q", LaunchRequest(spec=wanted, actor="ann")))


async def test_a_waiting_item_is_stopped_at_once(store: Store) -> None:
    await store.queue()
    item = await store.launch()
    stopped = await store.write(launches.Stop("e", item.id, "ann", Stop(reason="typo")))
    assert stopped.state is ItemState.STOPPED
    assert await store.claim() is None


async def test_a_held_item_gets_the_wish_recorded_and_its_agent_the_order(store: Store) -> None:
    await store.queue()
    item = await store.launch()
    claim = await store.claimed("a")
    asked = await store.write(launches.Stop("e", item.run_id, "ann", Stop(reason="typo")))
    assert (asked.state, asked.stop_requested) == (ItemState.CLAIMED, True)
    orders = await store.write(claims.Beat("e", status("a"), {claim.item.id: claim.token}, LEASE))
    assert [(o.item_id, o.by, o.reason) for o in orders.stop] == [(item.id, "ann", "typo")]


async def test_a_stop_reaches_the_next_holder_too(store: Store, clock: Clock) -> None:
    await store.queue()
    item = await store.launch()
    await store.claimed("a")
    await store.write(launches.Stop("e", item.id, "ann", Stop()))
    clock.now += LEASE + 1
    assert (await store.claimed("b")).item.stop_requested


async def test_an_item_that_is_to_be_stopped_does_not_go_back_to_its_queue(store: Store) -> None:
    await store.queue()
    item = await store.launch()
    claim = await store.claimed("a")
    await store.write(launches.Stop("e", item.id, "ann", Stop()))
    await store.report(claim, ItemState.QUEUED, next_attempt=True)
    assert (await store.item(item.id)).state is ItemState.STOPPED


async def test_stopping_what_has_ended_changes_nothing(store: Store) -> None:
    await store.queue()
    item = await store.launch()
    await store.report(await store.claimed(), ItemState.FINISHED)
    assert (await store.write(launches.Stop("e", item.id, "b", Stop()))).state is ItemState.FINISHED


async def test_an_item_is_found_by_id_run_id_and_a_name_that_only_it_has(store: Store) -> None:
    await store.queue()
    item = await store.launch("alone")
    for ref in (item.id, item.run_id, "alone"):
        assert (await store.item(ref)).id == item.id
    await store.launch("alone")
    with pytest.raises(Conflict, match="several launches"):
        await store.item("alone")
    with pytest.raises(NotFound):
        await store.item("nobody")


async def test_a_waiting_item_has_a_position_and_a_reason(store: Store) -> None:
    await store.queue(prioritization=True)
    await store.launch("low", priority=Priority.LOW)
    await store.launch("high", priority=Priority.HIGH)
    views = await store.database.read(launches.List("e", Selection()))
    assert {v.item.name: v.position for v in views} == {"high": 1, "low": 2}
    assert all("no agent is online for queue q" in str(v.reason) for v in views)


async def test_an_agent_at_its_limit_is_the_reason(store: Store) -> None:
    await store.queue()
    await store.launch("one")
    await store.launch("two")
    claim = await store.claimed("a")
    await store.write(claims.Beat("e", status("a"), {claim.item.id: claim.token}, LEASE))
    view = await store.database.read(launches.Get("e", "two"))
    assert view.reason == "agent a is at its limit: 1 of 1"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"draining": True}, "agent a is draining: it claims nothing more"),
        ({"resources": frozenset({"kubernetes"})}, "agent a has no runner for local-process"),
        ({"resources": frozenset({"local-process"})}, "an agent is about to claim it"),
        (
            {"resources": frozenset(), "unable": {"local-process": "its folder is read-only"}},
            "agent a cannot run it: its folder is read-only",
        ),
        ({"max_jobs": 0}, "agent a is at its limit: 0 of 0"),
    ],
)
async def test_what_an_agent_cannot_do_is_the_reason(
    said: dict[str, Any], reason: str, store: Store
) -> None:
    await store.queue()
    item = await store.launch()
    await store.write(claims.Beat("e", replace(status("a"), **said), {}, LEASE))
    assert await store.why(item) == reason


async def test_each_agent_tells_its_reason_and_one_that_can_is_enough(store: Store) -> None:
    await store.queue()
    item = await store.launch()
    for agent, draining in (("a", True), ("b", True)):
        said = replace(status(agent), draining=draining, max_jobs=0)
        await store.write(claims.Beat("e", said, {}, LEASE))
    why = str(await store.why(item))
    assert sorted(part.split()[1] for part in why.split("; ")) == ["a", "b"]
    await store.write(claims.Beat("e", status("c"), {}, LEASE))
    assert await store.why(item) == "an agent is about to claim it"


async def test_an_agent_that_missed_its_signs_of_life_is_not_about_to_claim(store: Store) -> None:
    await store.queue()
    item = await store.launch()
    await store.write(claims.Beat("e", status("a"), {}, LEASE))
    store.clock.now += 30
    assert await store.why(item) == "agent a may claim it, but was last seen 30 s ago"
    await store.write(claims.Beat("e", status("b"), {}, LEASE))
    assert await store.why(item) == "an agent is about to claim it"


async def test_an_agent_with_a_long_lease_is_still_seen_online(store: Store) -> None:
    await store.queue()
    item = await store.launch()
    await store.write(claims.Beat("e", status("a"), {}, lease=3600))
    store.clock.now += StoreBackend(url="sqlite:///unused", entity="e").beat_seconds(3600)
    assert await store.why(item) == "an agent is about to claim it"


async def test_who_asked_a_launch_to_stop_is_told_until_it_has_ended(store: Store) -> None:
    await store.queue()
    await store.launch("one")
    claim = await store.claimed("a")
    await store.report(claim, ItemState.RUNNING)
    await store.write(launches.Stop("e", claim.item.id, "bob", Stop(reason="wrong data")))
    told = "bob asked it to stop: wrong data; it has its grace to end, then its output is stored"
    assert await store.why(claim.item) == told


async def test_items_are_listed_by_queue_and_state_newest_first(store: Store) -> None:
    await store.queue("q")
    await store.queue("p")
    await store.launch("one")
    await store.launch("two")
    await store.launch("three", queue="p")
    await store.report(await store.claimed(), ItemState.FINISHED)
    waiting = Selection(queue="q", states=[ItemState.QUEUED])
    views = await store.database.read(launches.List("e", waiting))
    assert [v.item.name for v in views] == ["two"]
    every = await store.database.read(launches.List("e", Selection(limit=2)))
    assert [v.item.name for v in every] == ["three", "two"]


async def test_prioritization_switched_off_makes_what_waits_first_in_first_out(
    store: Store,
) -> None:
    await store.queue(prioritization=True)
    await store.launch("low", priority=Priority.LOW)
    await store.launch("high", priority=Priority.HIGH)
    plain = QueueSpec(name="q", resource="local-process")
    await store.write(queues.Update("e", plain, "ann", None, None))
    assert (await store.claimed()).item.name == "low"


@pytest.mark.parametrize(
    ("site", "who"), [(None, "the next agent"), ("here:/state", "an agent on here:/state")]
)
async def test_an_item_whose_agent_fell_silent_says_who_can_take_it_over(
    store: Store, clock: Clock, site: str | None, who: str
) -> None:
    await store.queue()
    item = await store.launch()
    await store.report(await store.claimed("a"), ItemState.RUNNING, site=site)
    clock.now += LEASE + 1
    view = await store.database.read(launches.Get("e", item.id))
    assert f"agent a fell silent; {who}" in str(view.reason)


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(order="ran"), "long short waits stopped"),
        (Selection(order="ran", reverse=True), "waits stopped short long"),
        (Selection(order="waited"), "waits stopped long short"),
        (Selection(order="waited", reverse=True), "short long stopped waits"),
    ],
)
async def test_what_ran_or_waited_longest_comes_first(
    store: Store, clock: Clock, selection: Selection, expected: str
) -> None:
    await store.queue()
    await store.queue("other")
    stopped = await store.launch("stopped", queue="other")
    clock.now += 100
    await store.launch("waits", queue="other")
    await store.launch("long")
    clock.now += 50
    await store.report(await store.claimed(), ItemState.RUNNING)
    await store.launch("short")
    clock.now += 20
    claim = await store.claimed()
    await store.report(claim, ItemState.RUNNING)
    clock.now += 30
    await store.report(claim, ItemState.FINISHED)
    await store.write(launches.Stop("e", stopped.id, "ann", Stop()))
    clock.now += 500
    selection = replace(selection, limit=1)
    seen: list[str | None] = []
    while page := await store.database.read(launches.List("e", selection)):
        seen.append(page[0].item.name)
        selection = replace(selection, after=page[0].cursor)
    assert seen == expected.split()


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("order", ["waited", "ran"])
async def test_each_launch_is_shown_once_though_time_passes_between_pages(
    store: Store, clock: Clock, order: Order, reverse: bool
) -> None:
    await store.queue()
    for name in ("first", "second", "third"):
        await store.launch(name)
        clock.now += 10
        await store.report(await store.claimed(), ItemState.RUNNING)
        clock.now += 7
    ended = await store.launch("ended")
    clock.now += 3
    await store.write(launches.Stop("e", ended.id, "ann", Stop()))
    names = ["first", "second", "third", "ended"]
    for name in ("waits", "starts", "waits too"):
        await store.launch(name)
        names.append(name)
        clock.now += 5
    selection = Selection(order=order, reverse=reverse, limit=1)
    seen: list[str | None] = []
    while page := await store.database.read(launches.List("e", selection)):
        seen.append(page[0].item.name)
        assert len(seen) <= len(names)
        selection = replace(selection, after=page[0].cursor)
        clock.now += 100
        if len(seen) == 2:
            await store.report(await store.claimed(), ItemState.RUNNING)
    assert sorted(map(str, seen)) == sorted(names)


async def test_a_page_by_value_stays_as_it_is_while_it_is_looked_at(
    store: Store, clock: Clock
) -> None:
    await store.queue()
    for name in ("a", "b", "c"):
        await store.launch(name)
        clock.now += 10
    selection = Selection(order="waited", limit=1)
    (first,) = await store.database.read(launches.List("e", selection))
    behind = launches.List("e", replace(selection, after=first.cursor))
    seen = []
    for _ in range(3):
        clock.now += 1000
        seen += [view.item.name for view in await store.database.read(behind)]
    assert seen == ["b", "b", "b"]


@pytest.mark.parametrize("after", ["{id}", "{id}:", "{id}:1:nan", "{id}:x:1", "{id}:1", "x"])
async def test_a_page_by_value_begins_nowhere_but_where_a_list_says(
    store: Store, after: str
) -> None:
    await store.queue()
    item = await store.launch()
    selection = Selection(order="ran", after=after.format(id=item.id))
    with pytest.raises(ConfigError, match="by ran gave"):
        await store.database.read(launches.List("e", selection))


async def test_however_much_happens_to_a_launch_a_page_of_it_is_read_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launches, "PAGE", 3)
    await store.queue()
    item = await store.launch()
    claim = await store.claimed()
    for number in range(4):
        await store.report(claim, ItemState.RUNNING, message=str(number))
    told: list[str | None] = []
    since = 0
    while page := await store.database.read(launches.Events("e", item.id, since)):
        assert len(page) <= 3
        told += [event.cause for event in page]
        since = page[-1].id
    assert told == ["launched", "claimed", *"0123"]
    newest = await store.database.read(launches.NewestOf("e", item.id))
    assert [event.cause for event in newest] == [*"123"]
