"""Messages of webhooks, made of events and handed to those who send them: each at least once, under
the same id each time. A webhook's position moves in the transaction that keeps what is to be sent.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from launchkit.model import Secret
from launchkit.model.webhooks import DeliveryState, happens
from launchkit.store.database import Loose, Row, Tx
from launchkit.store.locks import OF_THE_SERVICE, Acquire
from launchkit.store.webhook_key import WebhookKey
from launchkit.store.webhooks import body_of

BATCH = 200
"""Events that are looked at in one transaction."""
BEHIND = 1000
"""How far a position may stay behind while there is nothing to send."""
LOCK_SECONDS = 30.0
"""How long one service alone sends the messages of a webhook: longer than one takes."""
GIVE_UP_SECONDS = 86_400.0
KEPT_SECONDS = 7 * 86_400.0
"""How long it is told what became of a message."""
FIRST_PAUSE, LONGEST_PAUSE, FACTOR = 5.0, 7200.0, 4.0
NOT_TRIED = "others that came before took the whole day"


@dataclass(frozen=True)
class Duty:
    """What there may be to do for one webhook."""

    webhook: str
    entity: str
    name: str
    signer: str
    """The fingerprint of the key without which its messages cannot be signed."""
    position: int
    due_in: float | None
    """The seconds until the next message is due; None: there is none."""


@dataclass(frozen=True)
class Duties(Loose):
    """What there may be to do for the webhooks that are not paused."""

    async def __call__(self, tx: Tx) -> Sequence[Duty]:
        return [
            Duty(
                webhook=row["id"],
                entity=row["entity"],
                name=row["name"],
                signer=row["signer"],
                position=row["position"],
                due_in=None if row["due_at"] is None else row["due_at"] - tx.now,
            )
            for row in await tx.all("active_webhooks")
        ]


class IsNews(NamedTuple):
    """Whether a webhook has messages to make of the events up to *until*, or is far behind."""

    webhook: str
    until: int

    async def __call__(self, tx: Tx) -> bool:
        row = await tx.one("webhook", id=self.webhook)
        if row is None:
            return False
        behind = self.until - row["position"]
        return behind > BEHIND or (behind > 0 and any((await _news(tx, row, self.until))[1]))


class Make(NamedTuple):
    """Make the messages of the events up to *until*, or of the next of them; tells whether some
    are left.
    """

    webhook: str
    until: int

    async def __call__(self, tx: Tx) -> bool:
        row = await tx.one("webhook", id=self.webhook)
        if row is None or row["position"] >= self.until:
            return False
        last, messages = await _news(tx, row, self.until)
        moved = await tx.one("move_webhook", id=row["id"], since=row["position"], until=last)
        if moved is None:
            return False
        await _tidy(tx, row["id"])
        for message in messages:
            await tx.all("add_delivery", webhook=row["id"], **message)
        return last < self.until


@dataclass(frozen=True)
class Letter:
    """A message that is to be sent now."""

    id: str
    url: str
    secret: Secret
    body: str


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Whether one may send a webhook's messages now, and which is next."""

    ours: bool
    letter: Letter | None = None


class Take(NamedTuple):
    """Take a webhook's turn, or renew it, and its next message that is due, with the secret that
    the key makes.
    """

    webhook: str
    holder: str
    key: WebhookKey

    async def __call__(self, tx: Tx) -> Turn:
        if not await Acquire(lock_of(self.webhook), self.holder, LOCK_SECONDS)(tx):
            return Turn(ours=False)
        row = await tx.one("next_delivery", webhook=self.webhook)
        if row is None:
            return Turn(ours=True)
        secret = self.key.secret_of(self.webhook, row["salt"])
        return Turn(ours=True, letter=Letter(row["id"], row["url"], secret, row["body"]))


class Answered(NamedTuple):
    """Keep what a receiver answered to a message; one that did not take it is asked again, later
    and later, for a day. Gives the state of the message; None if it is gone.
    """

    id: str
    taken: bool
    answer: str

    async def __call__(self, tx: Tx) -> DeliveryState | None:
        row = await tx.one("delivery", id=self.id)
        if row is None or row["due_at"] is None:
            return None
        state, due = DeliveryState.DELIVERED, None
        if not self.taken:
            due = tx.now + pause_after(row["tries"] + 1)
            state = DeliveryState.WAITING
            if due > row["created_at"] + GIVE_UP_SECONDS:
                state, due = DeliveryState.GIVEN_UP, None
        await tx.all("answer_delivery", id=self.id, state=state, due_at=due, answer=self.answer)
        await _tidy(tx, row["webhook"])
        return state


def lock_of(webhook: str) -> str:
    """The name of the lock of those who send a webhook's messages."""
    return f"{OF_THE_SERVICE}webhook:{webhook}"


def pause_after(tries: int) -> float:
    """The seconds after which a message is sent again that was sent so many times."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * math.pow(FACTOR, min(tries - 1, 10)))


async def _tidy(tx: Tx, webhook: str) -> None:
    await tx.all(
        "give_up_deliveries", webhook=webhook, before=tx.now - GIVE_UP_SECONDS, answer=NOT_TRIED
    )
    await tx.all("drop_old_deliveries", webhook=webhook, before=tx.now - KEPT_SECONDS)


async def _news(tx: Tx, row: Row, until: int) -> tuple[int, list[dict[str, object]]]:
    """Up to which event was looked, and the messages to be made."""
    since = row["position"]
    events = await tx.all(
        "events_for_webhook", entity=row["entity"], since=since, until=until, limit=BATCH
    )
    wanted = {*json.loads(row["events"])}
    messages = [made for one in events if (made := _message(row, one, wanted)) is not None]
    return events[-1]["id"] if len(events) == BATCH else until, messages


def _message(row: Row, event: Row, wanted: set[str]) -> dict[str, object] | None:
    of_queue = event["item_id"] is None
    what = happens(event["kind"], event["state"], event["cause"], of_queue=of_queue)
    if what is None or what not in wanted:
        return None
    data: dict[str, object] = {
        "event": event["id"],
        "entity": row["entity"],
        "queue": event["queue"],
        "actor": event["actor"],
        "cause": event["cause"],
    }
    if not of_queue:
        data["launch"] = {
            "id": event["item_id"],
            "run_id": event["run_id"],
            "name": event["name"] or event["run_id"],
            "author": event["author"],
            "state": event["state"],
            "attempt": event["attempt"],
        }
    return {
        "id": f"msg_{row['id']}_{event['id']}",
        "event": event["id"],
        "type": what,
        "body": body_of(what, event["at"], data),
    }
