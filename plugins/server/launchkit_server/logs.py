"""Logs as the service gives them: from the database, and old ones from the blobs."""

from dataclasses import dataclass

import anyio.to_thread

from launchkit.model import LogPage
from launchkit.store import launches, logs
from launchkit.store.database import Database, Row
from launchkit_server.blobs import Blobs, needed

LAST_ATTEMPT = 2**31 - 1
"""The largest number of an attempt that PostgreSQL keeps."""


@dataclass(frozen=True)
class ServedLogs:
    """What the runs of an entity printed."""

    database: Database
    blobs: Blobs | None
    entity: str

    async def latest_attempt(self, item_id: str) -> int:
        """The number of an item's latest attempt. :raises NotFound: if there is no such item."""
        return (await self.database.read(launches.Get(self.entity, item_id))).item.attempt

    async def read(self, item_id: str, attempt: int | None, offset: int) -> LogPage:
        """A page from *offset* on. :raises NotFound: if there is no such item."""
        stored = await self.database.read(logs.Look(self.entity, item_id, attempt, offset))
        return stored.page([await self._plain(row) for row in stored.rows])

    async def _plain(self, row: Row) -> bytes:
        if row["place"] is None:
            return logs.plain(row)
        data = await needed(self.blobs).get(row["place"])
        return await anyio.to_thread.run_sync(logs.unpacked, row, data)
