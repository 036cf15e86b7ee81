"""The agents that are online for a queue: of what each says of itself, only what tells why nothing
is claimed is taken out of the database, since it is asked for with each list of what waits.
"""

from collections.abc import Sequence

from launchkit.codec import decode_json
from launchkit.model import Pause
from launchkit.plain_text import without_last_word
from launchkit.store.database import Row, Tx
from launchkit.store.rows import understood
from launchkit.store.rules import ONLINE_SECONDS, REASON_CHARACTERS, ServingAgent


async def agents_for(tx: Tx, queue: Row) -> Sequence[ServingAgent]:
    """Those that are online for a row of `queue`, in the order of their names."""
    rows = await tx.all(
        "serving",
        entity=queue["entity"],
        queue=queue["name"],
        resource=queue["resource"],
        since=tx.now - ONLINE_SECONDS,
        most=REASON_CHARACTERS,
    )
    return [_agent(row) for row in rows]


def _agent(row: Row) -> ServingAgent:
    with understood("what an agent has said"):
        return ServingAgent(
            name=row["name"],
            seen_at=row["seen_at"],
            held=row["held"],
            max_jobs=row["max_jobs"],
            draining=bool(row["drain"] or row["draining"]),
            pause=decode_json(Pause, row["pause"]) if row["pause"] else None,
            unable=_reason(row),
            has_runner=bool(row["has_runner"]),
        )


def _reason(row: Row) -> str | None:
    text: str | None = row["unable"]
    if text is None or not row["unable_more"]:
        return text
    return f"{without_last_word(text).rstrip()} …"
