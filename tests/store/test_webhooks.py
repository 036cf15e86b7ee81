"""Webhooks in a real database of each kind: messages of events, each kept until it was taken."""

import json
from collections.abc import Sequence

import pytest
from store.conftest import Store

from launchkit.errors import ConfigError, Conflict, NotFound
from launchkit.model import ItemState, Pause, QueueSpec
from launchkit.model.webhooks import DeliveryState, Happens, WebhookView
from launchkit.store import deliveries, queues, webhooks
from launchkit.store.deliveries import Letter, Turn
from launchkit.store.events import settled
from launchkit.store.happened import Audit
from launchkit.store.webhook_key import WebhookKey

URL = "https://chat.example/hooks/1"
KEY = WebhookKey(bytes(range(32)))


async def made(store: Store, *events: Happens, name: str = "chat") -> webhooks.NewWebhook:
    wanted = events or [*Happens]
    return await store.write(
        webhooks.Create(entity="e", name=name, url=URL, events=wanted, actor="ann", key=KEY)
    )


async def looked(store: Store) -> None:
    """Make messages of all that has happened."""
    until = await settled(store.database)
    for duty in await store.database.read(deliveries.Duties()):
        while await store.write(deliveries.Make(duty.webhook, until)):
            pass


async def listed(store: Store) -> WebhookView:
    (view,) = await store.database.read(webhooks.List("e"))
    return view


async def types(store: Store) -> Sequence[str]:
    """The types of its messages, oldest first."""
    return [one.type for one in reversed((await listed(store)).deliveries)]


async def taken(store: Store, holder: str = "a") -> Turn:
    (duty,) = await store.database.read(deliveries.Duties())
    return await store.write(deliveries.Take(duty.webhook, holder, KEY))


async def letter(store: Store) -> Letter:
    found = (await taken(store)).letter
    assert found is not None
    return found


async def test_it_is_told_of_what_it_wants_from_when_it_was_made(store: Store) -> None:
    await store.queue()
    await made(store, Happens.LAUNCH_FAILED, Happens.QUEUE_PAUSED)
    item = await store.launch("fit")
    await store.report(await store.claimed(), ItemState.FAILED, message="no memory")
    spec = QueueSpec(name="q", resource="local-process")
    await store.write(queues.Update("e", spec, "bob", Pause(reason="full", by="bob", at=0.0), None))
    await looked(store)
    assert await types(store) == ["launch.failed", "queue.paused"]
    first = await letter(store)
    said = json.loads(first.body)
    assert (said["type"], said["timestamp"]) == ("launch.failed", "1970-01-12T13:46:40.000Z")
    assert said["data"]["launch"]["id"] == item.id
    assert (said["data"]["queue"], said["data"]["cause"]) == ("q", "no memory")
    assert first.url == URL


async def test_each_event_makes_one_message_however_many_look(store: Store) -> None:
    await made(store)
    await store.queue()
    await looked(store)
    await looked(store)
    assert await types(store) == ["queue.created"]
    (duty,) = await store.database.read(deliveries.Duties())
    assert not await store.database.read(deliveries.IsNews(duty.webhook, duty.position))


async def test_many_events_are_looked_at_some_at_a_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "BATCH", 2)
    await made(store, Happens.LAUNCH_QUEUED)
    await store.queue()
    for _ in range(5):
        await store.launch()
    await looked(store)
    assert await types(store) == ["launch.queued"] * 5


async def test_one_sends_at_a_time(store: Store) -> None:
    await made(store)
    await store.queue()
    await looked(store)
    assert (await taken(store, "a")).letter is not None
    assert await taken(store, "b") == Turn(ours=False)
    store.clock.now += deliveries.LOCK_SECONDS + 1
    assert (await taken(store, "b")).letter is not None


async def test_what_was_not_taken_is_sent_later_and_later_and_given_up_after_a_day(
    store: Store,
) -> None:
    await made(store)
    await store.queue()
    await looked(store)
    began, tries = store.clock.now, 0
    while (found := (await taken(store)).letter) is not None:
        await store.write(deliveries.Answered(found.id, taken=False, answer="503: busy"))
        tries += 1
        (one,) = (await listed(store)).deliveries
        if one.due_at is not None:
            assert await taken(store) == Turn(ours=True)
            store.clock.now = one.due_at
    (one,) = (await listed(store)).deliveries
    assert (one.state, one.answer, one.tries) == (DeliveryState.GIVEN_UP, "503: busy", tries)
    assert 10 < tries < 30
    assert 20 * 3600 < store.clock.now - began <= 24 * 3600


async def test_what_was_taken_is_not_sent_again_and_forgotten_in_time(store: Store) -> None:
    await made(store, Happens.QUEUE_CREATED)
    await store.queue()
    await looked(store)
    found = await letter(store)
    await store.write(deliveries.Answered(found.id, taken=True, answer="204"))
    assert await taken(store) == Turn(ours=True)
    assert (await listed(store)).deliveries[0].state is DeliveryState.DELIVERED
    store.clock.now += deliveries.KEPT_SECONDS + 1
    await store.queue("other")
    await looked(store)
    assert [one.tries for one in (await listed(store)).deliveries] == [0]


async def test_one_that_is_paused_is_not_told_later_what_happened(store: Store) -> None:
    await made(store)
    await store.write(webhooks.SetPaused("e", "chat", True, "ann"))
    await store.queue()
    assert await store.database.read(deliveries.Duties()) == []
    with pytest.raises(Conflict, match="is paused"):
        await store.write(webhooks.SendTest("e", "chat", "ann"))
    await store.write(webhooks.SetPaused("e", "chat", False, "ann"))
    await looked(store)
    assert await types(store) == []
    await store.write(webhooks.SendTest("e", "chat", "ann"))
    assert json.loads((await letter(store)).body)["type"] == "webhook.test"


async def test_events_of_other_entities_are_not_told(store: Store) -> None:
    await made(store)
    made_elsewhere = QueueSpec(name="q", resource="local-process")
    await store.write(queues.Create("other", made_elsewhere, "ann"))
    await looked(store)
    assert await types(store) == []


async def test_one_that_is_removed_is_gone_with_what_waits(store: Store) -> None:
    await made(store)
    await store.queue()
    await looked(store)
    found = await letter(store)
    await store.write(webhooks.Remove("e", "chat", "ann"))
    assert await store.write(deliveries.Answered(found.id, taken=True, answer="204")) is None
    assert await store.database.read(webhooks.List()) == []
    with pytest.raises(NotFound, match="there are: none"):
        await store.write(webhooks.Remove("e", "chat", "ann"))


async def test_its_secret_is_told_once_and_stands_in_no_audit(store: Store) -> None:
    new = await made(store)
    secret = str.__str__(new.secret)
    assert secret.startswith("whsec_")
    assert secret not in repr(new) + repr(await listed(store))
    said = await store.database.read(Audit())
    assert [one.what for one in said] == ["made webhook chat of e"]
    await store.queue()
    await looked(store)
    found = await letter(store)
    assert str.__str__(found.secret) == secret
    assert secret not in repr(found)


async def test_each_webhook_has_a_secret_of_its_own_that_its_key_alone_makes(store: Store) -> None:
    first, second = await made(store), await made(store, name="other")
    assert str.__str__(first.secret) != str.__str__(second.secret)
    assert first.webhook.signer == second.webhook.signer == KEY.fingerprint
    other = WebhookKey(bytes(32))
    assert other.fingerprint != KEY.fingerprint
    (one, salt) = ("0" * 32, "1" * 32)
    assert str.__str__(KEY.secret_of(one, salt)) == str.__str__(KEY.secret_of(one, salt))
    assert str.__str__(KEY.secret_of(one, salt)) != str.__str__(other.secret_of(one, salt))
    assert str(KEY.key) not in repr(KEY)


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "ftp://a.example/",
        "https://",
        "https://ann:pw@a.example/",
        "https://ann@a.example/",
        "https://a.example/#x",
        "https://a.example:99999/",
        "https://a.example:0/",
        "https://a.example/a b",
        "https://a.example/\n",
        "https://[::1/",
        "https://a.example\\@b.example/",
        "https://a.example/" + "x" * 2000,
        "javascript:alert(1)",
    ],
)
def test_a_url_that_leads_nowhere_or_has_a_password_is_refused(wrong: str) -> None:
    with pytest.raises(ConfigError, match="url:"):
        webhooks.require_url(wrong)


async def test_a_name_is_taken_once_and_an_entity_has_so_many(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await made(store)
    with pytest.raises(Conflict, match="already"):
        await made(store)
    monkeypatch.setattr(webhooks, "MAX_WEBHOOKS", 1)
    with pytest.raises(Conflict, match="as many as it may have"):
        await made(store, name="more")
