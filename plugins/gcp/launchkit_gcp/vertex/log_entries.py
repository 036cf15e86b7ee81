"""Entries of Cloud Logging, as far as they are lines that a job has printed. Pure."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

LONGEST_FILTER = 18_000
"""Letters; Cloud Logging takes 20,000."""
LONGEST_ID = 256
"""Who writes an entry may choose its id: of a longer one the beginning is asked for."""
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|\+00:00)", re.ASCII)
SECOND = 1_000_000_000
Mark = tuple[int, str]
"""The time of an entry, in nanoseconds, and its id: Cloud Logging puts them into this order."""


@dataclass(frozen=True, order=True)
class Entry:
    """A line, with its place in the order of all."""

    mark: Mark
    job: str
    """The number of the job that has printed it."""
    machine: str
    """Such as `workerpool0-0`."""
    text: str


def entries_of(answer: Mapping[str, Any]) -> Sequence[Entry]:
    """The entries of a page."""
    told = answer.get("entries")
    found = (
        (entry_of(one) for one in told if isinstance(one, Mapping))
        if isinstance(told, list)
        else ()
    )
    return [one for one in found if one is not None]


def entry_of(told: Mapping[str, Any]) -> Entry | None:
    """An entry; None: it is not one of a job."""
    resource = told.get("resource")
    labels = resource.get("labels") if isinstance(resource, Mapping) else None
    at = nanoseconds(str(told.get("timestamp", "")))
    if at is None or not isinstance(labels, Mapping) or "job_id" not in labels:
        return None
    mark = (at, str(told.get("insertId", "")))
    return Entry(mark, str(labels["job_id"]), str(labels.get("task_name", "")), _text(told))


def _text(told: Mapping[str, Any]) -> str:
    """What was printed. A line of JSON comes as its fields, and is one of JSON again."""
    payload = told.get("jsonPayload")
    if not isinstance(payload, Mapping):
        return str(told.get("textPayload", "")).removesuffix("\n")
    message = payload.get("message")
    if isinstance(message, str):
        return message.removesuffix("\n")
    return json.dumps(payload, ensure_ascii=False)


def nanoseconds(text: str) -> int | None:
    """A time as Google's APIs write it; None: it is none."""
    found = _TIME.fullmatch(text[:40])
    if not found:
        return None
    try:
        whole = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    except ValueError:  # such as of a month with no such day
        return None
    return int(whole.timestamp()) * SECOND + int((found[2] or "0").ljust(9, "0"))


def time_text(at: int) -> str:
    """A time as Google's APIs read it."""
    seconds, rest = divmod(at, SECOND)
    whole = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    return f"{whole.isoformat()}.{rest:09d}Z"


def filter_of(jobs: Sequence[str], since: Mark) -> str:
    """What the programs of these jobs have printed behind a mark."""
    numbers = " OR ".join(f'"{job}"' for job in jobs)
    at, ident = time_text(since[0]), json.dumps(since[1][:LONGEST_ID], ensure_ascii=False)
    is_later = f'timestamp>="{at}"'
    if since[1]:
        is_later = f'(timestamp>"{at}" OR (timestamp="{at}" AND insertId>{ident}))'
    return (
        f'resource.type="ml_job" AND resource.labels.task_name!="service"'
        f" AND {is_later} AND resource.labels.job_id=({numbers})"
    )
