"""Rows of the database as values of the model."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from launchkit.codec import decode_json
from launchkit.errors import QueueError
from launchkit.model import (
    AgentStatus,
    AgentView,
    Event,
    ItemState,
    JobVersion,
    LaunchSpec,
    Pause,
    Priority,
    Queue,
    QueueItem,
    QueueSpec,
    Recipe,
    Verdict,
)
from launchkit.plain_text import shortened
from launchkit.store.database import Row


@contextmanager
def understood(what: str) -> Iterator[None]:
    """Take a row apart.

    :raises QueueError: if somebody has written something there that no launchkit writes.
    """
    try:
        yield
    except (ValueError, TypeError, RecursionError) as exc:
        raise QueueError(
            f"the queue's database holds {what}, which is not understood: {shortened(str(exc))}",
            hint="was it written by a newer launchkit, or by hand?",
        ) from exc


def size_of(row: Row) -> int:
    """The characters of a row's texts."""
    return sum(len(value) for value in dict(row).values() if isinstance(value, str))


def queue_of(row: Row) -> Queue:
    """A row of `queue`."""
    with understood(f"queue {row['id']}"):
        return Queue(
            id=row["id"],
            entity=row["entity"],
            spec=decode_json(QueueSpec, row["spec"]),
            version=row["version"],
            created_at=row["created_at"],
            updated_at=row["updated_at"],
            pause=decode_json(Pause, row["pause"]) if row["pause"] else None,
        )


def item_of(row: Row, queue: str) -> QueueItem:
    """A row of `item`, in the queue of that name."""
    with understood(f"launch {row['id']}"):
        return QueueItem(
            id=row["id"],
            run_id=row["run_id"],
            entity=row["entity"],
            queue=queue,
            priority=Priority(row["priority"]),
            spec=decode_json(LaunchSpec, row["spec"]),
            state=ItemState(row["state"]),
            attempt=row["attempt"],
            created_at=row["created_at"],
            updated_at=row["updated_at"],
            started_at=row["started_at"],
            ended_at=row["ended_at"],
            author=row["author"],
            message=row["message"],
            exit_code=row["exit_code"],
            verdict=decode_json(Verdict, row["verdict"]) if row["verdict"] else None,
            ref=row["ref"],
            stop_requested=row["stop_by"] is not None,
            stop_by=row["stop_by"],
            stop_reason=row["stop_reason"],
            stop_now=bool(row["stop_now"]),
            agent=row["agent"],
            resolved=json.loads(row["resolved"]) if row["resolved"] else None,
        )


def event_of(row: Row) -> Event:
    """A row of `event` that belongs to an item."""
    with understood(f"event {row['id']}"):
        return Event(
            id=row["id"],
            item_id=row["item_id"],
            at=row["at"],
            kind=row["kind"],
            actor=row["actor"],
            attempt=row["attempt"],
            state=ItemState(row["state"]) if row["state"] else None,
            cause=row["cause"],
        )


def job_of(row: Row, aliases: tuple[str, ...]) -> JobVersion:
    """A row of `job_version`, with its aliases."""
    with understood(f"job {row['name']}:v{row['version']}"):
        return JobVersion(
            entity=row["entity"],
            name=row["name"],
            version=row["version"],
            recipe=decode_json(Recipe, row["recipe"]),
            digest=row["digest"],
            created_at=row["created_at"],
            author=row["author"],
            aliases=aliases,
        )


def agent_of(row: Row, online_since: float) -> AgentView:
    """A row of `agent`, online if it was seen since *online_since* (Unix time)."""
    with understood("what an agent has said"):
        return AgentView(
            status=decode_json(AgentStatus, row["status"]),
            seen_at=row["seen_at"],
            held=row["held"],
            online=row["seen_at"] >= online_since,
            draining=bool(row["drain"]),
            pause=decode_json(Pause, row["pause"]) if row["pause"] else None,
        )
