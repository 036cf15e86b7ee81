"""What people give as a reason is kept without the secrets of its queue: others read it."""

from typing import Any

import pytest
from store.conftest import Store

from launchkit.abc import Change, Hold, Stop
from launchkit.codec import plain
from launchkit.model import ItemState, Pause, QueueSpec, Variable
from launchkit.store import changes, launches, queues
from launchkit.store.happened import Happened

REASON = (
    "hush-1234, https://bot:hush-pass@proxy, hush-admin and pre-hush-tail-hush-5678 leaked: renew"
)
SPEC = QueueSpec(
    name="q",
    resource="local-process",
    config={
        "env": {"API_TOKEN": "hush-1234", "DB_PASSWORD": "pre-{{tail}}-hush-5678"},
        "proxy": "https://bot:hush-pass@hooks.example.com/{{admin_password}}",
    },
    variables={
        "tail": Variable(type="string", default="hush-tail"),
        "admin_password": Variable(type="string", default="hush-admin"),
    },
)
STOP, STOP_NOW = Stop(reason=REASON), Stop(reason=REASON, now=True)


async def told(store: Store, *more: Any) -> str:
    page = await store.database.read(Happened(entity="e"))
    return str([plain(one) for one in (page, *more)])


@pytest.mark.parametrize(
    ("wanted", "is_claimed"),
    [(Hold(reason=REASON), False), (STOP, False), (STOP, True), (STOP_NOW, True)],
)
async def test_a_reason_to_hold_or_stop_a_launch_is_kept_without_the_secrets_of_its_queue(
    store: Store, wanted: Change, is_claimed: bool
) -> None:
    await store.write(queues.Create("e", SPEC, "ann"))
    item = await store.launch()
    if is_claimed:
        await store.claimed()
    changed = await store.write(changes.Make("e", item.id, wanted, "bob"))
    view = await store.database.read(launches.Get("e", item.id))
    said = await told(store, changed, view)
    assert said.count("leaked: renew") >= 3
    assert "hush" not in said
    assert changed.state is not ItemState.QUEUED


async def test_a_reason_to_pause_a_queue_is_kept_without_its_old_and_its_new_secrets(
    store: Store,
) -> None:
    await store.write(queues.Create("e", SPEC, "ann"))
    item = await store.launch()
    spec = QueueSpec(name="q", resource="local-process", config={"env": {"API_KEY": "hush-9999"}})
    pause = Pause(reason=f"{REASON} as hush-9999", by="bob", at=0.0)
    changed = await store.write(queues.Update("e", spec, "bob", pause, None))
    assert changed.pause
    assert changed.pause.reason.endswith("leaked: renew as …")
    said = await told(store, changed.pause, await store.why(item))
    assert said.count("leaked: renew as …") == 3
    assert "hush" not in said


async def test_no_word_of_a_secret_is_left_where_a_reason_is_cut(store: Store) -> None:
    words = "correct horse battery staple"
    spec = QueueSpec(name="q", resource="local-process", config={"env": {"PASSWORD": words}})
    await store.write(queues.Create("e", spec, "ann"))
    for before in range(queues.MOST_OF_A_REASON // 2 - 40, queues.MOST_OF_A_REASON // 2, 2):
        item = await store.launch()
        reason = f"{'x ' * (before // 2)}{words} {'y ' * queues.MOST_OF_A_REASON}"
        await store.write(changes.Make("e", item.id, Hold(reason=reason), "bob"))
    said = await told(store)
    assert not any(word in said for word in words.split())
