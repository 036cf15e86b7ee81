"""Webhooks: which events are sent where, and what became of each message."""

from dataclasses import dataclass
from enum import StrEnum


class Happens(StrEnum):
    """What a webhook may be told of."""

    LAUNCH_QUEUED = "launch.queued"
    LAUNCH_HELD = "launch.held"
    LAUNCH_RUNNING = "launch.running"
    LAUNCH_FINISHED = "launch.finished"
    LAUNCH_FAILED = "launch.failed"
    LAUNCH_STOPPED = "launch.stopped"
    QUEUE_CREATED = "queue.created"
    QUEUE_CHANGED = "queue.changed"
    QUEUE_PAUSED = "queue.paused"
    QUEUE_RESUMED = "queue.resumed"
    QUEUE_DELETED = "queue.deleted"


TEST = "webhook.test"
"""The type of a message that somebody asked for, to see whether it comes."""


class DeliveryState(StrEnum):
    """What became of a message."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given up"


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """A place that is told of events of one entity."""

    name: str
    entity: str
    url: str
    """As it may be shown: without the parameters whose names sound like secrets."""
    events: tuple[Happens, ...]
    signer: str
    """The fingerprint of the key that its secret is made of."""
    paused: bool
    created_at: float
    created_by: str


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One message of a webhook, and how its receiver answered last."""

    id: str
    """The same each time that it is sent: the header `webhook-id`."""
    type: str
    state: DeliveryState
    created_at: float
    tries: int
    due_at: float | None
    """When it is sent next; None: not any more."""
    answer: str | None
    answered_at: float | None


@dataclass(frozen=True, kw_only=True)
class WebhookView:
    """A webhook with its last messages, newest first."""

    webhook: Webhook
    deliveries: tuple[Delivery, ...]


def happens(kind: str, state: str | None, cause: str | None, *, of_queue: bool) -> Happens | None:
    """What a recorded event is for webhooks; None: nothing that they are told of."""
    if kind == "state" and not of_queue:
        return _known(f"launch.{state}")
    if kind != "queue" or not of_queue:
        return None
    word = (cause or "").partition(":")[0]
    return _known(f"queue.{word}") or Happens.QUEUE_CHANGED


def _known(word: str) -> Happens | None:
    return Happens(word) if word in {*Happens} else None
