"""How a launch comes into its queue."""

import hashlib
import secrets
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from launchkit.abc import LaunchRequest
from launchkit.codec import encode_json
from launchkit.errors import Conflict, Rejected
from launchkit.model import GitSource, ItemState, LaunchSpec, Priority, QueueItem
from launchkit.resolving.queue_checks import check_length
from launchkit.resolving.resolve import validate_launch
from launchkit.store import jobs
from launchkit.store.database import Row, Tx
from launchkit.store.events import record
from launchkit.store.queue_masks import kept_mask
from launchkit.store.queues import named, require_prioritization
from launchkit.store.rows import item_of, queue_of

ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


class Launch(NamedTuple):
    """Put a request into a queue, once per idempotency key."""

    entity: str
    queue: str
    request: LaunchRequest

    async def __call__(self, tx: Tx) -> QueueItem:
        row = await named(tx, self.entity, self.queue, "_shared")
        priority = _priority(self.request.priority, row)
        digest = request_digest(self.queue, self.request.spec, priority, self.request.actor)
        check_length("idempotency key", self.request.idempotency_key)
        if self.request.idempotency_key:
            known = await tx.one(
                "item_of_key", entity=self.entity, key=self.request.idempotency_key
            )
            if known is not None:
                return await self._again(tx, known, digest)
        validate_launch(queue_of(row).spec, self.request.spec, mask=partial(kept_mask, row))
        spec = await _of_job(tx, self.entity, self.request.spec)
        cause = await _cause(tx, self.entity, self.request.again)
        item = await tx.row(
            "add_item",
            id=random_word(12),
            run_id=random_word(8),
            queue=row["id"],
            entity=self.entity,
            name=spec.name,
            priority=priority,
            author=spec.author or self.request.actor,
            spec=encode_json(spec),
            idempotency_key=self.request.idempotency_key,
            request_digest=digest,
        )
        await record(tx, item, "state", self.request.actor, cause, ItemState.QUEUED)
        tx.publish(f"queue:{row['id']}")
        return item_of(item, self.queue)

    async def _again(self, tx: Tx, known: Row, digest: str) -> QueueItem:
        if known["request_digest"] != digest:
            raise Conflict(
                f"idempotency key {self.request.idempotency_key!r} stands for another request,"
                f" or one of somebody else: launch {known['id']}",
                hint="use a new key for a new request, which nobody else would use",
            )
        queue = await tx.row("queue_of", id=known["queue_id"])
        return item_of(known, queue["name"])


def request_digest(queue: str, spec: LaunchSpec, priority: Priority, actor: str) -> str:
    """What makes two requests the same, of one who launches. The trace does not count, nor does
    the commit that a branch meant that day; that of a job does, for it tells the versions apart.
    """
    spec = replace(spec, traceparent=None)
    source = spec.recipe.source
    if isinstance(source, GitSource) and spec.job is None:
        spec = replace(spec, recipe=replace(spec.recipe, source=replace(source, commit=None)))
    return hashlib.sha256(f"{queue}\n{priority}\n{actor}\n{encode_json(spec)}".encode()).hexdigest()


async def _of_job(tx: Tx, entity: str, spec: LaunchSpec) -> LaunchSpec:
    """The request with the version of its job in place of an alias, which may move: what a job is
    trusted with, and what is shown, would else be anybody's.

    :raises Rejected: if what is launched is not the job that it says.
    """
    if spec.job is None:
        return spec
    stored = await jobs.Get(entity, spec.job)(tx)
    if encode_json(stored.recipe) != encode_json(spec.recipe):
        raise Rejected(
            f"job: the recipe of this launch is not that of job {stored.reference}",
            hint="change it by overrides, or launch the recipe without naming a job",
        )
    return replace(spec, job=stored.reference)


async def _cause(tx: Tx, entity: str, again: str | None) -> str:
    """What the record says of how it came to be launched; nothing there is who launches' own word.

    :raises Rejected: if *again* is not the id of a launch.
    """
    if again is None:
        return "launched"
    check_length("again", again)
    repeated = await tx.one("head_of_id", entity=entity, ref=again)
    if repeated is None or repeated["id"] != again:
        raise Rejected(
            f"again: {again!r} is not the id of a launch of {entity}",
            hint="give the id of the launch that is repeated, as launchkit ls -o name prints it,"
            " or leave it out",
        )
    return f"again: {again}"


def random_word(length: int) -> str:
    """A random id in W&B's alphabet."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _priority(wanted: Priority | None, queue: Row) -> Priority:
    if wanted is None:
        return Priority.MEDIUM
    require_prioritization(queue)
    return wanted
