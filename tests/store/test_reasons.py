"""What people give as a reason is kept without the secrets of its queue: others read it."""

from dataclasses import replace
from threading import current_thread
from typing import Any
from uuid import uuid4

import pytest
from store.conftest import Store
from store.conftest import spec as spec_of

from launchkit.abc import Change, Hold, LaunchRequest, Release, Stop
from launchkit.codec import plain
from launchkit.errors import Rejected
from launchkit.model import ItemState, Overrides, Pause, QueueSpec, Variable
from launchkit.resolving import known_secrets
from launchkit.resolving.known_secrets import queue_mask
from launchkit.resolving.masking import Mask
from launchkit.store import changes, launches, queues, submitting
from launchkit.store.happened import Happened

REASON = (
    "hush-1234, https://bot:hush-pass@proxy, ssh://ann:hush@h, hush-admin and"
    " pre-hush-tail-hush-5678 leaked: renew"
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


async def test_a_queue_is_looked_through_once_and_beside_all_transactions(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []

    def look(spec: QueueSpec) -> Mask:
        looked.append(current_thread().name)
        return queue_mask(spec)

    monkeypatch.setattr(known_secrets, "queue_mask", look)
    spec = replace(SPEC, config={**SPEC.config, "note": str(uuid4())})
    await store.write(queues.Create("e", spec, "ann"))
    item = await store.launch()
    for change in (Hold(reason=REASON), Release(), STOP):
        await store.write(changes.Make("e", item.id, change, "bob"))
    changed = Overrides(resource_args={"hush-1234": 1})
    wanted = LaunchRequest(spec=replace(spec_of("run"), overrides=changed), actor="ann")
    for _ in range(2):
        with pytest.raises(Rejected, match="…"):
            await store.write(submitting.Launch("e", "q", wanted))
    (thread,) = looked
    assert thread not in {"MainThread", "launchkit-writer"}
