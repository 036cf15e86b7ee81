"""What runs see of themselves."""

import json
from collections.abc import Mapping
from typing import NamedTuple

from launchkit.errors import NotFound
from launchkit.model import ItemState, RunView
from launchkit.store.database import Tx
from launchkit.store.outputs import outputs_of


class Get(NamedTuple):
    """A run's own launch, by its id: nothing is read of what was asked for, nor of its queue."""

    entity: str
    item_id: str

    async def __call__(self, tx: Tx) -> RunView:
        row = await tx.one("run_of_id", entity=self.entity, id=self.item_id)
        if row is None:
            raise NotFound(f"there is no launch {self.item_id!r} of {self.entity}")
        resolved = json.loads(row["resolved"]) if row["resolved"] else {}
        config = resolved.get("config")
        return RunView(
            item_id=row["id"],
            run_id=row["run_id"],
            name=row["name"] or row["run_id"],
            queue=row["queue"],
            attempt=row["attempt"],
            state=ItemState(row["state"]),
            stop_requested=row["stop_by"] is not None,
            config=config if isinstance(config, Mapping) else {},
            outputs=await outputs_of(tx, row["id"], row["attempt"]),
        )
