"""Whom an event wakes."""

from store.conftest import Store, status
from waiting import PATIENCE

from launchkit.abc import Drain, PauseAgent, Stop
from launchkit.model import ItemState
from launchkit.store import agent_changes, agents, launches, logs, topics


async def test_who_knows_an_id_of_another_entity_is_not_woken_by_what_happens_to_it(
    store: Store,
) -> None:
    await store.queue()
    item = await store.launch()
    hub = store.database.topics
    about = topics.of_item, topics.of_log
    with (
        hub.subscribed(topics.of_item("e", item.id)) as events,
        hub.subscribed(topics.of_log("e", item.id)) as output,
        hub.subscribed(*(topic("other", item.id) for topic in about)) as foreign,
    ):
        claim = await store.claimed()
        assert await events.wait(PATIENCE)
        await store.write(logs.Append(claim, 0, b"out"))
        assert await output.wait(PATIENCE)
        await store.report(claim, ItemState.FINISHED)
        assert await events.wait(PATIENCE)
        assert await output.wait(PATIENCE)
        assert not await foreign.wait(0)


async def test_an_agent_is_not_woken_by_what_is_wanted_of_one_of_the_same_name_elsewhere(
    store: Store,
) -> None:
    await store.queue()
    item = await store.launch()
    await store.write(agents.Register("e", status("a"), "first"))
    await store.claimed("a")
    hub = store.database.topics
    wanted = (
        agent_changes.Make("e", "a", PauseAgent(reason="new driver"), "ann"),
        agent_changes.Make("e", "a", Drain(), "ann"),
        launches.Stop("e", item.id, "ann", Stop()),
        agents.Register("e", status("a"), "second"),
    )
    with (
        hub.subscribed(topics.of_agent("e", "a")) as own,
        hub.subscribed(topics.of_agent("other", "a")) as foreign,
    ):
        for change in wanted:
            await store.write(change)
            assert await own.wait(PATIENCE)
        assert not await foreign.wait(0)
