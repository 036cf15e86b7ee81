"""Queues: made, changed and removed, without losing what is in them."""

from dataclasses import replace

import pytest
from store.conftest import Store

from launchkit.errors import ConfigError, Conflict, NotFound, Rejected
from launchkit.model import ItemState, Pause, QueueSpec, Variable
from launchkit.resolving.known_secrets import MOST_CHARACTERS_OF_SECRETS
from launchkit.store import queues
from launchkit.store.hub import StoreQueues


async def test_a_name_is_given_once(store: Store) -> None:
    await store.queue()
    with pytest.raises(Conflict, match="already"):
        await store.queue()


async def test_entities_do_not_see_each_other(store: Store) -> None:
    await store.queue()
    with pytest.raises(NotFound):
        await store.database.read(queues.Get("other", "q"))


@pytest.mark.parametrize("name", ["", "a b", "-x", "q/1", "x" * 129, "ü"])
async def test_a_name_that_cannot_be_typed_everywhere_is_refused(store: Store, name: str) -> None:
    with pytest.raises(ConfigError, match="queue name"):
        await store.queue(name)


async def test_template_fields_and_variables_must_fit(store: Store) -> None:
    with pytest.raises(ConfigError, match="memory"):
        await store.queue(config={"limits": {"memory": "{{memory}}"}})
    with pytest.raises(ConfigError, match="memory"):
        await store.queue(variables={"memory": Variable(type="string")})


async def test_a_negative_limit_is_refused(store: Store) -> None:
    with pytest.raises(ConfigError, match="max_concurrent"):
        await store.queue(max_concurrent=-1)


async def test_a_change_from_an_old_version_is_refused(store: Store) -> None:
    await store.queue()
    made = QueueSpec(name="q", resource="local-process", config={"nice": 5})
    changed = await store.write(queues.Update("e", made, "ann", None, 1))
    assert (changed.version, changed.spec.config) == (2, {"nice": 5})
    with pytest.raises(Conflict, match="somebody else"):
        await store.write(queues.Update("e", made, "bob", None, 1))


async def test_a_queue_with_waiting_items_is_removed_only_by_force(store: Store) -> None:
    await store.queue()
    item = await store.launch()
    with pytest.raises(Conflict, match="1 launches waiting"):
        await store.write(queues.Delete("e", "q", "ann", force=False))
    assert await StoreQueues(store.database, "e").delete("q", "ann", force=True) == 1
    assert (await store.item(item.id)).state is ItemState.STOPPED
    with pytest.raises(NotFound):
        await store.database.read(queues.Get("e", "q"))


async def test_a_queue_with_work_under_way_is_not_removed(store: Store) -> None:
    await store.queue()
    await store.launch()
    await store.claimed()
    with pytest.raises(Conflict, match="under way"):
        await store.write(queues.Delete("e", "q", "ann", force=True))


async def test_of_many_that_wait_in_a_queue_that_is_removed_few_are_stopped_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "ENDED_AT_ONCE", 2)
    await store.queue()
    items = [await store.launch() for _ in range(5)]
    part = await store.write(queues.Delete("e", "q", "ann", force=True))
    assert part == queues.Emptied(2, removed=False)
    assert await StoreQueues(store.database, "e").delete("q", "ann", force=True) == 3
    assert {(await store.item(one.id)).state for one in items} == {ItemState.STOPPED}
    with pytest.raises(NotFound):
        await store.database.read(queues.Get("e", "q"))


async def test_a_name_is_free_again_after_its_queue_was_removed(store: Store) -> None:
    await store.queue()
    old = await store.launch()
    await store.report(await store.claimed(), ItemState.FINISHED)
    await store.write(queues.Delete("e", "q", "ann", force=False))
    await store.queue()
    assert (await store.item(old.id)).state is ItemState.FINISHED
    assert await store.claim() is None


async def test_the_queues_of_an_entity_are_only_so_large_together(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "MOST_CHARACTERS", 2000)
    large = QueueSpec(name="q", resource="local-process", config={"text": "x" * 1500})
    await store.write(queues.Create("e", large, "ann"))
    with pytest.raises(Rejected, match="the queues of e would have"):
        await store.write(queues.Create("e", replace(large, name="p"), "ann"))
    await store.write(queues.Create("other", large, "ann"))
    await store.queue("p")
    with pytest.raises(Rejected, match="queue 'p': the queues of e would have"):
        await store.write(queues.Update("e", replace(large, name="p"), "ann", None, None))
    monkeypatch.setattr(queues, "MOST_CHARACTERS", 1000)
    await store.write(queues.Update("e", replace(large, config={}), "ann", None, None))
    await store.write(queues.Delete("e", "q", "ann", force=False))
    with pytest.raises(NotFound):
        await store.database.read(queues.Get("e", "q"))


async def test_an_entity_has_only_so_many_queues(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "MOST", 2)
    for name in ("p", "q"):
        await store.queue(name)
    with pytest.raises(Rejected, match="queue 'r': e has 2 other queues, and may have 2 in all"):
        await store.queue("r")
    await store.write(queues.Delete("e", "p", "ann", force=False))
    await store.queue("r")


async def test_more_in_secrets_than_is_looked_for_is_refused_and_what_is_there_is_paused(
    store: Store,
) -> None:
    hub = StoreQueues(store.database, "e")
    config = {"API_TOKEN": "s" * (1 + MOST_CHARACTERS_OF_SECRETS)}
    spec = QueueSpec(name="q", resource="docker", config=config)
    with pytest.raises(ConfigError, match="characters in what may be secrets"):
        await hub.create(spec, "ann")
    await store.write(queues.Create("e", spec, "ann"))
    pause = Pause(reason="why", by="ann", at=0.0)
    paused = await hub.update(spec, "ann", pause=pause, if_version=None)
    assert paused.pause
    assert paused.pause.reason == "…"
    more = replace(spec, config={**config, "a": "b"})
    with pytest.raises(ConfigError, match="characters in what may be secrets"):
        await hub.update(more, "ann", pause=None, if_version=None)
