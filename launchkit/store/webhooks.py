"""Webhooks: made, listed, paused and removed by administrators. The secret is given once, and
kept nowhere: it is made of a key outside the database, again for each message.
"""

import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

from launchkit.addresses import masked_url
from launchkit.errors import ConfigError, Conflict, NotFound
from launchkit.model import Secret
from launchkit.model.webhooks import (
    TEST,
    Delivery,
    DeliveryState,
    Happens,
    Webhook,
    WebhookView,
)
from launchkit.store.database import Row, Tx
from launchkit.store.people import audit, require_name
from launchkit.store.webhook_key import WebhookKey

TOPIC = "webhooks"
"""What is rung when there is something to do for a webhook."""
MAX_WEBHOOKS = 50
"""How many an entity may have: each is sent to beside all others."""
MAX_URL = 2000
SHOWN = 10
"""So many of the last messages are shown."""
_ODD = re.compile(r"[^\x21-\x7e]")


@dataclass(frozen=True)
class NewWebhook:
    """A webhook, and its secret, which is shown once."""

    webhook: Webhook
    secret: Secret


@dataclass(frozen=True, kw_only=True)
class Create:
    """Make a webhook, which is told of what happens from now on.

    :raises ConfigError: if the name, the URL or the events are none.
    :raises Conflict: if the entity has one of that name, or as many as it may have.
    """

    entity: str
    name: str
    url: str
    events: Sequence[Happens]
    actor: str
    key: WebhookKey

    async def __call__(self, tx: Tx) -> NewWebhook:
        require_name(self.name)
        require_url(self.url)
        if not self.events:
            raise ConfigError(f"events: choose some of: {', '.join(Happens)}")
        await tx.all("turn", what="webhooks", of=self.entity)
        if (await tx.row("count_webhooks", entity=self.entity))["n"] >= MAX_WEBHOOKS:
            raise Conflict(
                f"{self.entity} has {MAX_WEBHOOKS} webhooks, as many as it may have",
                hint="remove one that nobody needs",
            )
        row = await tx.one(
            "add_webhook",
            id=uuid4().hex,
            entity=self.entity,
            name=self.name,
            url=self.url,
            events=json.dumps([one for one in Happens if one in self.events]),
            salt=secrets.token_hex(16),
            signer=self.key.fingerprint,
            position=(await tx.row("last_event"))["id"],
            actor=self.actor,
        )
        if row is None:
            raise Conflict(f"{self.entity} has a webhook {self.name} already")
        await audit(tx, self.actor, f"made webhook {self.name} of {self.entity}")
        tx.publish(TOPIC)
        return NewWebhook(_webhook_of(row), self.key.secret_of(row["id"], row["salt"]))


class List(NamedTuple):
    """The webhooks of an entity, or of all, by name, with their last messages."""

    entity: str | None = None

    async def __call__(self, tx: Tx) -> list[WebhookView]:
        if self.entity is None:
            rows = await tx.all("all_webhooks")
        else:
            rows = await tx.all("webhooks", entity=self.entity)
        return [
            WebhookView(
                webhook=_webhook_of(row),
                deliveries=tuple(
                    [
                        _delivery_of(one)
                        for one in await tx.all("deliveries", webhook=row["id"], limit=SHOWN)
                    ]
                ),
            )
            for row in rows
        ]


class Remove(NamedTuple):
    """Remove a webhook with its messages, also those that wait.

    :raises NotFound: if there is none of that name.
    """

    entity: str
    name: str
    actor: str

    async def __call__(self, tx: Tx) -> None:
        row = await _locked(tx, self.entity, self.name)
        await tx.all("drop_deliveries_of", id=row["id"])
        await tx.all("drop_webhook", id=row["id"])
        await audit(tx, self.actor, f"removed webhook {self.name} of {self.entity}")


class SetPaused(NamedTuple):
    """Send nothing any more, or again: what happens meanwhile is not told later.

    :raises NotFound: if there is none of that name.
    """

    entity: str
    name: str
    paused: bool
    actor: str

    async def __call__(self, tx: Tx) -> Webhook:
        row = await _locked(tx, self.entity, self.name)
        if bool(row["paused"]) != self.paused:
            if self.paused:
                await tx.all("pause_webhook", id=row["id"])
            else:
                position = (await tx.row("last_event"))["id"]
                await tx.all("resume_webhook", id=row["id"], position=position)
            did = "paused" if self.paused else "resumed"
            await audit(tx, self.actor, f"{did} webhook {self.name} of {self.entity}")
            tx.publish(TOPIC)
        return _webhook_of(await tx.row("webhook", id=row["id"]))


class SendTest(NamedTuple):
    """Send a message that tells of nothing, to see whether it comes.

    :raises NotFound: if there is none of that name.
    :raises Conflict: if it is paused.
    """

    entity: str
    name: str
    actor: str

    async def __call__(self, tx: Tx) -> Delivery:
        row = await _locked(tx, self.entity, self.name)
        if row["paused"]:
            raise Conflict(f"webhook {self.name} is paused", hint="resume it first")
        made = f"msg_{uuid4().hex}"
        body = body_of(TEST, tx.now, {"entity": self.entity, "actor": self.actor})
        await tx.all("add_delivery", id=made, webhook=row["id"], event=0, type=TEST, body=body)
        tx.publish(TOPIC)
        return _delivery_of(await tx.row("delivery", id=made))


def body_of(kind: str, at: float, data: dict[str, object]) -> str:
    """The text of a message, as Standard Webhooks has it."""
    stamp = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return json.dumps(
        {"type": kind, "timestamp": stamp.replace("+00:00", "Z"), "data": data}, ensure_ascii=True
    )


def require_url(url: str) -> None:
    """:raises ConfigError: if *url* is no address that a webhook may have."""
    if (wrong := _wrong_with(url)) is not None:
        raise ConfigError(
            f"url: {wrong}",
            hint="give the receiver's address, such as https://chat.example/hooks/1",
        )


def _wrong_with(url: str) -> str | None:
    if not url or len(url) > MAX_URL or _ODD.search(url):
        return f"must be up to {MAX_URL} letters, digits and signs of ASCII, without a space"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is none"
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        return "must begin with https:// or http:// and a host"
    if "@" in parts.netloc:
        return "must not have a name or a password in it: messages are signed"
    if "#" in url or "\\" in url:
        return "must not have a # or a backslash in it"
    return None


def named(views: Sequence[WebhookView], entity: str, name: str) -> WebhookView:
    """The one of that name.

    :raises NotFound: if there is none.
    """
    for view in views:
        if view.webhook.name == name:
            return view
    raise _none(entity, name, [view.webhook.name for view in views])


async def _locked(tx: Tx, entity: str, name: str) -> Row:
    row = await tx.one("webhook_locked", entity=entity, name=name)
    if row is None:
        names = [one["name"] for one in await tx.all("webhooks", entity=entity)]
        raise _none(entity, name, names)
    return row


def _none(entity: str, name: str, names: Sequence[str]) -> NotFound:
    there = ", ".join(names) or "none"
    return NotFound(f"there is no webhook {name[:140]!r} of {entity}; there are: {there}")


def _webhook_of(row: Row) -> Webhook:
    return Webhook(
        name=row["name"],
        entity=row["entity"],
        url=masked_url(row["url"]),
        events=tuple(Happens(one) for one in json.loads(row["events"])),
        signer=row["signer"],
        paused=bool(row["paused"]),
        created_at=row["created_at"],
        created_by=row["created_by"],
    )


def _delivery_of(row: Row) -> Delivery:
    return Delivery(
        id=row["id"],
        type=row["type"],
        state=DeliveryState(row["state"]),
        created_at=row["created_at"],
        tries=row["tries"],
        due_at=row["due_at"],
        answer=row["answer"],
        answered_at=row["answered_at"],
    )
