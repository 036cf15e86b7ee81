"""What people give as a reason, as it is kept: without the secrets of its queue, for those who read
it may not be those who may read them.
"""

from functools import lru_cache

from launchkit.codec import decode_json
from launchkit.model import QueueSpec
from launchkit.plain_text import shortened
from launchkit.resolving.known_secrets import LONGEST, queue_mask
from launchkit.resolving.masking import Mask
from launchkit.store.database import Row
from launchkit.store.rows import understood


def kept_reason(reason: str, queue: Row) -> str:
    """A reason with `…` for each secret of a row of `queue`; of a very long one, its beginning and
    its end.
    """
    return _mask(queue["id"], queue["spec"])(shortened(reason, LONGEST))


@lru_cache(maxsize=4)
def _mask(queue_id: int, spec: str) -> Mask:
    """Kept for the next reason: many launches are changed for one."""
    with understood(f"queue {queue_id}"):
        return queue_mask(decode_json(QueueSpec, spec))
