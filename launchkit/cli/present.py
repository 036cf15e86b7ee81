"""From what the queue says to plain data for people and programs. The keys are stable."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from launchkit.abc import ItemView, QueueView
from launchkit.codec import plain
from launchkit.model import AgentView, Event, JobVersion, Pause, QueueItem, Variable

Data = dict[str, Any]


def item_data(view: ItemView) -> Data:
    """A launch."""
    item = view.item
    return {
        "id": item.id,
        "run_id": item.run_id,
        "name": item.name,
        "queue": item.queue,
        "entity": item.entity,
        "project": item.spec.project,
        "state": item.state.value,
        "attempt": item.attempt,
        "priority": item.priority.name.lower(),
        "author": item.author,
        "position": view.position,
        "reason": view.reason,
        "exit_code": item.exit_code,
        "verdict": plain(item.verdict) if item.verdict else None,
        "created_at": moment(item.created_at),
        "started_at": moment(item.started_at),
        "ended_at": moment(item.ended_at),
        "ref": item.ref,
        "agent": item.agent,
        "job": item.spec.job,
        "message": item.message,
        "stop_requested": item.stop_requested,
    }


def launch_data(view: ItemView, events: Sequence[Event]) -> Data:
    """A launch with all that is known of it."""
    return {
        **item_data(view),
        "events": [event_data(event) for event in events],
        "resolved": _resolved(view.item),
        "outputs": plain(dict(view.outputs)),
    }


def _resolved(item: QueueItem) -> Any:
    from launchkit.resolving.secret_values import without_queue_secrets

    return plain(without_queue_secrets(item.resolved)) if item.resolved else None


def ended_data(item: QueueItem) -> Data:
    """A launch that waits no more."""
    return item_data(ItemView(item=item, reason=item.verdict.code if item.verdict else None))


def event_data(event: Event) -> Data:
    """Something that happened to a launch."""
    return {
        "at": moment(event.at),
        "kind": event.kind,
        "actor": event.actor,
        "state": event.state.value if event.state else None,
        "cause": event.cause,
        "attempt": event.attempt,
    }


def queue_data(view: QueueView) -> Data:
    """A queue."""
    queue, spec = view.queue, view.queue.spec
    return {
        "name": queue.name,
        "entity": queue.entity,
        "resource": spec.resource,
        "prioritization": spec.prioritization,
        "max_concurrent": spec.max_concurrent,
        "paused": pause_data(queue.pause),
        "counts": {state.value: count for state, count in view.counts.items()},
        "version": queue.version,
        "created_at": moment(queue.created_at),
        "updated_at": moment(queue.updated_at),
        "config": plain(dict(spec.config)),
        "template_variables": {
            name: variable_data(variable) for name, variable in spec.variables.items()
        },
    }


def pause_data(pause: Pause | None) -> Data | None:
    """Why a queue is paused, if it is."""
    if pause is None:
        return None
    return {
        "reason": pause.reason,
        "by": pause.by,
        "at": moment(pause.at),
        "until": moment(pause.until),
    }


def variable_data(variable: Variable) -> Data:
    """A template variable, without what is not set."""
    return {key: value for key, value in plain(variable).items() if value is not None}


def job_data(job: JobVersion) -> Data:
    """A version of a job."""
    return {
        "reference": job.reference,
        "name": job.name,
        "version": job.version,
        "aliases": sorted(job.aliases),
        "entity": job.entity,
        "author": job.author,
        "digest": job.digest,
        "created_at": moment(job.created_at),
        "recipe": plain(job.recipe),
    }


def agent_data(view: AgentView) -> Data:
    """An agent."""
    status = view.status
    return {
        "name": status.name,
        "online": view.online,
        "host": status.host,
        "pid": status.pid,
        "version": status.version,
        "entity": status.entity,
        "queues": list(status.queues),
        "max_jobs": status.max_jobs,
        "held": view.held,
        "doing": status.doing,
        "draining": view.draining,
        "paused": pause_data(view.pause),
        "builds": status.builds,
        "started_at": moment(status.started_at),
        "seen_at": moment(view.seen_at),
    }


def moment(at: float | None) -> str | None:
    """Unix time as ISO 8601 in UTC, to the millisecond."""
    if at is None:
        return None
    text = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def span(seconds: float) -> str:
    """A time span for people: `8s`, `3m 20s`, `2h 5m`, `3d 4h`."""
    rest = max(0, round(seconds))
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append(f"{count}{unit}")
    shown = [part for part in parts[:2] if not part.startswith("0")]
    return " ".join(shown) or "0s"


def clock(iso: str) -> str:
    """A moment in the reader's own time zone, to the second."""
    return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M:%S")
