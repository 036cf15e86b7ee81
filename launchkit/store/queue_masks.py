"""What hides the secrets of a queue in what is written of it: looked for once in each version of a
queue, and beside all transactions, for that may take longer than others can wait for a database.
"""

from typing import TYPE_CHECKING, TypeVar

from anyio.lowlevel import RunVar

from launchkit.codec import decode_json
from launchkit.model import QueueSpec
from launchkit.store.database import Body, Database, Row
from launchkit.store.rows import understood

if TYPE_CHECKING:
    from launchkit.long_work import LongWork
    from launchkit.resolving.masking import Mask

T = TypeVar("T")

MOST_KEPT = 8
_kept: dict[tuple[int, str], "Mask"] = {}
_work: "RunVar[LongWork]" = RunVar("launchkit_queue_masks")


def long_work() -> "LongWork":
    """What looks through queues for secrets beside this event loop."""
    from launchkit.long_work import LongWork

    work = _work.get(None)
    if work is None:
        work = LongWork()
        _work.set(work)
    return work


class NotLookedThrough(Exception):
    """A transaction needs what hides the secrets of a queue that was not looked through yet."""

    def __init__(self, entity: str, queue_id: int, spec: str) -> None:
        super().__init__(queue_id)
        self._entity = entity
        self._queue_id = queue_id
        self._spec = spec

    async def looked_through(self) -> None:
        """Look it through in the turn of its entity; who wants the same meanwhile waits."""
        from launchkit.resolving.nested import SHORT

        await long_work().run(self._entity, self._look, is_long=len(self._spec) > SHORT)

    def _look(self) -> None:
        from launchkit.resolving.known_secrets import queue_mask

        key = self._queue_id, self._spec
        if key not in _kept:
            with understood(f"queue {self._queue_id}"):
                _kept[key] = queue_mask(decode_json(QueueSpec, self._spec))
        for oldest in [*_kept][:-MOST_KEPT]:
            _kept.pop(oldest, None)


def kept_mask(queue: Row) -> "Mask":
    """What hides the secrets of a row of `queue`, in a transaction of `written`.

    :raises NotLookedThrough: if they are not known yet.
    """
    key = queue["id"], queue["spec"]
    if (mask := _kept.get(key)) is None:
        raise NotLookedThrough(queue["entity"], *key)
    return mask


async def written(database: Database, body: Body[T]) -> T:
    """Run *body* in a transaction that may write, and need `kept_mask`."""
    while True:
        try:
            return await database.write(body)
        except NotLookedThrough as exc:
            await exc.looked_through()
