"""Looking back at what happened, in a real database of each kind."""

import pytest
from store.conftest import Store

from launchkit.model import ItemState
from launchkit.model.people import PrincipalKind
from launchkit.store import happened
from launchkit.store.happened import Audit, Happened, HappenedPage
from launchkit.store.people import AddAccount


async def page(store: Store, **wanted: object) -> HappenedPage:
    return await store.database.read(Happened(entity="e", **wanted))  # type: ignore[arg-type]


async def test_the_newest_stands_first_and_pages_follow_each_other(store: Store) -> None:
    await store.queue()
    for number in range(5):
        await store.launch(f"run-{number}")
    first = await page(store, kind="state", limit=3)
    assert [one.name for one in first.happenings] == ["run-4", "run-3", "run-2"]
    second = await page(store, kind="state", limit=3, before=first.older)
    assert [one.name for one in second.happenings] == ["run-1", "run-0"]
    assert (await page(store, limit=1000)).older is None
    assert not (await store.database.read(Happened(entity="another"))).happenings


async def test_what_happened_to_a_queue_is_told_with_what_happened_to_launches(
    store: Store,
) -> None:
    await store.queue()
    await store.launch("one")
    told = [(one.kind, one.queue, one.name) for one in (await page(store)).happenings]
    assert ("state", "q", "one") in told
    assert ("queue", "q", None) in told


async def test_a_filter_looks_through_so_many_and_says_where_to_go_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(happened, "LOOKED_THROUGH", 4)
    await store.queue()
    await store.launch("first")
    claim = await store.claimed()
    for state in (ItemState.BUILDING, ItemState.SUBMITTING, ItemState.STARTING, ItemState.RUNNING):
        await store.report(claim, state)
    found, before, looks = [], happened.NEWEST, 0
    while before:
        looked = await page(store, actor="ann", kind="state", before=before)
        found += [one.name for one in looked.happenings]
        before, looks = looked.older or 0, looks + 1
    assert found == ["first"]
    assert looks > 1


async def test_changes_of_people_are_told_with_who_made_them(store: Store) -> None:
    for name in ("bob", "cat"):
        await store.write(AddAccount(name, PrincipalKind.USER, "ann"))
    newest, older = await store.database.read(Audit())
    assert (newest.actor, newest.what) == ("ann", "added user cat")
    assert await store.database.read(Audit(before=newest.id)) == [older]
