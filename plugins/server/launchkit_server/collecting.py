"""What nobody needs any more is removed."""

import logging
import time
from dataclasses import dataclass
from uuid import uuid4

import anyio

from launchkit.errors import QueueError
from launchkit.store import archives, locks, logs
from launchkit.store.database import Database
from launchkit_server.blobs import Blobs
from launchkit_server.service import Service

log = logging.getLogger("launchkit.server")

OFTEN_SECONDS = 3600.0
BATCH = 100
LOCK = f"{locks.OF_THE_SERVICE}collects"


@dataclass(frozen=True)
class Collected:
    """What was removed."""

    archives: int
    blobs: int
    moved: int = 0
    """Pieces of logs that are among the blobs now."""

    def told(self) -> str:
        """In words."""
        removed = f"removed: {self.archives} archives, {self.blobs} blobs"
        return f"{removed}; moved: {self.moved} pieces of logs"


async def collect(database: Database, blobs: Blobs | None, unused_seconds: float) -> Collected:
    """Remove what nothing refers to, and was not used for so many seconds: code, uploads that were
    given up, and blobs that no row names.
    """
    before = time.time() - unused_seconds
    dropped = await database.write(archives.Collect(before))
    places = {*dropped.places}
    moved = 0
    if blobs is not None:
        moved = await move_logs(database, blobs, unused_seconds)
        old = await blobs.older(before)
        for begin in range(0, len(old), BATCH):
            strangers = archives.Strangers(old[begin : begin + BATCH])
            places.update(await database.read(strangers))
        for place in places:
            await blobs.remove(place)
    return Collected(dropped.archives, len(places), moved)


async def move_logs(database: Database, blobs: Blobs, unused_seconds: float) -> int:
    """Move what was printed by launches that ended so many seconds ago; gives how many pieces."""
    moved = 0
    before = time.time() - unused_seconds
    while old := await database.read(logs.Old(before, BATCH)):
        for piece in old:
            place = await blobs.put(bytes(piece["data"]))
            await database.write(logs.Moved(piece, place))
        moved += len(old)
    return moved


async def collect_often(service: Service, unused_seconds: float) -> None:
    """Collect once an hour, one of all replicas at a time, until cancelled."""
    holder = uuid4().hex
    while True:
        await anyio.sleep(OFTEN_SECONDS)
        try:
            if await service.database.write(locks.Acquire(LOCK, holder, OFTEN_SECONDS * 0.9)):
                done = await collect(service.database, service.blobs, unused_seconds)
                log.info("%s", done.told())
        except QueueError as exc:
            log.warning("what nobody needs was not removed: %s", exc)
