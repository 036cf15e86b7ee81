"""Outputs: what runs tell of themselves, such as a last loss. Each attempt begins without any."""

import json
import math
from collections.abc import Mapping
from typing import NamedTuple

from launchkit.codec import below, check_numbers
from launchkit.errors import Rejected
from launchkit.model import Json
from launchkit.resolving.nested import MOST_CHARACTERS, MOST_VALUES, are_too_much
from launchkit.store.database import Tx
from launchkit.store.stale import lost_item

MAX_BYTES = 64 * 2**10
"""Of an attempt's outputs, as JSON."""
HINT = "print what is long, or store it elsewhere and tell where"


class Tell(NamedTuple):
    """Lay some outputs over those of an attempt that is under way, key by key; None takes one away.

    :raises LeaseLost: if the attempt is over.
    :raises Rejected: if they are too many.
    """

    entity: str
    item_id: str
    attempt: int
    outputs: Json

    async def __call__(self, tx: Tx) -> None:
        row = await tx.one("head_locked", id=self.item_id)
        current = row and (row["entity"], row["attempt"]) == (self.entity, self.attempt)
        if row is None or not current or row["lease_until"] is None:
            raise lost_item(self.item_id, row)
        all_of_them = {**await outputs_of(tx, self.item_id, self.attempt), **self.outputs}
        kept = {key: _kept(value) for key, value in all_of_them.items() if value is not None}
        check_numbers(kept, below("outputs"))
        text = json.dumps(kept)
        if len(text) > MAX_BYTES:
            raise Rejected(
                f"outputs: {len(text)} bytes of JSON, and a run has {MAX_BYTES} at most",
                hint=HINT,
            )
        if are_too_much(kept, MOST_CHARACTERS):
            raise Rejected(
                f"outputs: more than {MOST_VALUES} values, or too many characters in the paths to"
                " them",
                hint=HINT,
            )
        await tx.all("put_outputs", item=self.item_id, attempt=self.attempt, data=text)


async def outputs_of(tx: Tx, item_id: str, attempt: int) -> Json:
    """What an attempt has told so far."""
    row = await tx.one("outputs", item=item_id, attempt=attempt)
    found: Json = json.loads(row["data"]) if row else {}
    return found


def _kept(value: object) -> object:
    """A loss may be no number, which JSON cannot say: it is kept as text."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"
    if isinstance(value, Mapping):
        return {key: _kept(inner) for key, inner in value.items()}
    return [_kept(inner) for inner in value] if isinstance(value, list) else value
