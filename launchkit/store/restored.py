"""What is written into a queue's file that is restored, before anybody opens it: it does not know
what was claimed, and what began to run, after the backup was made.
"""

import sqlite3
import time

from launchkit.codec import encode_json
from launchkit.model import ItemState, Pause

BY = "launchkit store restore"
REASON = "restored from a backup: see what still runs, or has run, then resume it"
FAR = 2**32
"""More claims than an item can have had since the backup."""

_PUT_BACK = "lease_until is not null and ref is null"
"""Claimed at that time, with no run yet: where it runs since, if it does, is unknown."""
_IS_MOVED = "select 1 from sqlite_master where name = 'moved'"
_RUNNING_ON = "deleted_at is null and (pause is null or paused_until is not null)"
_STEPS = (
    "update item set token = token + :far",
    f"""insert into event (queue_id, item_id, at, kind, actor, attempt, state, cause)
    select queue_id, id, :now, 'state', :by, attempt, :queued, :reason from item
    where {_PUT_BACK}""",  # noqa: S608 - of constants
    f"""update item set state = :queued, message = :reason, lease_until = null, agent = null,
    site = null, updated_at = :now where {_PUT_BACK}""",  # noqa: S608
    f"""insert into event (queue_id, at, kind, actor, attempt, cause)
    select id, :now, 'queue', :by, 0, 'paused: ' || :reason from queue
    where {_RUNNING_ON}""",  # noqa: S608
    f"""update queue set pause = :pause, paused_until = null, version = version + 1,
    updated_at = :now where {_RUNNING_ON}""",  # noqa: S608
)


def hold_back(connection: sqlite3.Connection) -> None:
    """Pause all queues, put back into them what was claimed and had no run, and let no claim count
    that was given before: its number would be given again.
    """
    if connection.execute(_IS_MOVED).fetchone():
        return  # it refuses all that is written
    now = time.time()
    values = {
        "far": FAR,
        "now": now,
        "by": BY,
        "reason": REASON,
        "queued": ItemState.QUEUED.value,
        "pause": encode_json(Pause(reason=REASON, by=BY, at=now)),
    }
    connection.execute("begin")
    for step in _STEPS:
        connection.execute(step, values)
    connection.execute("commit")
