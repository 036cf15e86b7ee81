"""Tells webhooks what happens: beside requests, and beside each other, so that a receiver that
hangs or fails keeps nobody else waiting.
"""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import uuid4

import anyio
from anyio.abc import TaskGroup

from launchkit.errors import ConfigError, QueueError
from launchkit.model.webhooks import DeliveryState
from launchkit.store import deliveries, locks
from launchkit.store.database import Database
from launchkit.store.deliveries import Duty, Letter
from launchkit.store.events import settled
from launchkit.store.webhook_key import WebhookKey
from launchkit.store.webhooks import TOPIC
from launchkit_server.key_file import KeyFile
from launchkit_server.postman import Postman

log = logging.getLogger("launchkit.server")

LOOK_SECONDS = 30.0
"""How often is looked for what nobody told of: what another process wrote into a file."""
GATHER_SECONDS = 0.5
"""What happens within so little time is looked at together."""
TROUBLE_SECONDS = 5.0
RELEASE_SECONDS = 2.0


async def tell_webhooks(database: Database, key_file: KeyFile, postman: Postman) -> None:
    """Tell all webhooks what happens, until cancelled."""
    async with anyio.create_task_group() as tasks:
        await Teller(database, key_file, postman, tasks).work()


@dataclass
class Teller:
    """One service's part in it: of several that have a webhook's key, one sends at a time."""

    database: Database
    key_file: KeyFile
    postman: Postman
    tasks: TaskGroup
    _holder: str = field(init=False, default_factory=lambda: uuid4().hex)
    _busy: set[str] = field(init=False, default_factory=set)
    """Webhooks that are being sent to."""
    _looked: dict[str, int] = field(init=False, default_factory=dict)
    """Up to which event nothing was found that a webhook is told of. In a restored database, later
    ones have smaller numbers.
    """
    _left: set[str] = field(init=False, default_factory=set)
    """Webhooks of another key, of which the log tells."""

    async def work(self) -> None:
        """Look for what there is to do, and do it, until cancelled."""
        topics: Sequence[str] = (TOPIC,)
        while True:
            with self.database.topics.subscribed(*topics) as news:
                heard = topics
                duties = await self._round()
                topics = (TOPIC, *sorted({f"entity:{one.entity}" for one in duties}))
                if topics == heard:
                    await news.wait(self._rest(duties))
            await anyio.sleep(GATHER_SECONDS)

    async def _round(self) -> Sequence[Duty]:
        try:
            found = await self.database.read(deliveries.Duties())
            until = await settled(self.database) if found else 0
            key = await self.key_file.read() if found else None
        except (QueueError, ConfigError) as exc:
            log.warning("webhooks are not told of events now: %s", exc)
            await anyio.sleep(TROUBLE_SECONDS)
            return ()
        duties = []
        for duty in found:
            if key is not None and key.fingerprint == duty.signer:
                self._begin(duty, until, key)
                duties.append(duty)
            else:
                self._leave(duty)
        return duties

    def _begin(self, duty: Duty, until: int, key: WebhookKey) -> None:
        looked = duty.position >= until or self._looked.get(duty.webhook) == until
        if duty.webhook not in self._busy and (not looked or _is_due(duty)):
            self._busy.add(duty.webhook)
            self.tasks.start_soon(self._tell, duty, until, key)

    def _leave(self, duty: Duty) -> None:
        """Leave a webhook to the services that can sign its messages, and say so once."""
        if duty.webhook not in self._left:
            self._left.add(duty.webhook)
            log.warning(
                "webhook %s of %s is signed with another key than the one of this service, which"
                " leaves it to others; if no service has its key, make it again",
                duty.name,
                duty.entity,
            )

    def _rest(self, duties: Sequence[Duty]) -> float:
        due = [math.inf if one.due_in is None else one.due_in for one in duties]
        waits = [
            wait for wait, one in zip(due, duties, strict=True) if one.webhook not in self._busy
        ]
        return max(0.0, min([LOOK_SECONDS, *waits]))

    async def _tell(self, duty: Duty, until: int, key: WebhookKey) -> None:
        """Make messages of what happened, then send what is due."""
        try:
            news = await self.database.read(deliveries.IsNews(duty.webhook, until))
            while news and await self.database.write(deliveries.Make(duty.webhook, until)):
                pass
            self._looked[duty.webhook] = until
            if news or _is_due(duty):
                await self._send_due(duty, key)
        except QueueError as exc:
            log.warning("a webhook of %s is not told of events now: %s", duty.entity, exc)
            await anyio.sleep(TROUBLE_SECONDS)
        finally:
            self._busy.discard(duty.webhook)
            self.database.topics.publish([TOPIC])

    async def _send_due(self, duty: Duty, key: WebhookKey) -> None:
        lock = deliveries.lock_of(duty.webhook)
        take = deliveries.Take(duty.webhook, self._holder, key)
        turn = await self.database.write(take)
        if not turn.ours:
            await locks.free(self.database, lock, deliveries.LOCK_SECONDS)
            return
        try:
            while turn.letter:
                await self._send(turn.letter, duty.entity)
                turn = await self.database.write(take)
        finally:
            with anyio.move_on_after(RELEASE_SECONDS, shield=True):
                await self.database.write(locks.Release(lock, self._holder))

    async def _send(self, letter: Letter, entity: str) -> None:
        answer = await self.postman.send(letter, entity)
        state = await self.database.write(deliveries.Answered(letter.id, answer.taken, answer.text))
        if state is DeliveryState.GIVEN_UP:
            log.warning("message %s of a webhook was given up after a day", letter.id)


def _is_due(duty: Duty) -> bool:
    return duty.due_in is not None and duty.due_in <= 0
