"""What is objected to in a launch, told without the secrets of its queue: who launches reads it,
and may seldom read the queue's config.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from launchkit.errors import LaunchkitError
from launchkit.model import QueueSpec


@contextmanager
def telling_no_secrets_of(queue: QueueSpec) -> Iterator[None]:
    """Let an error out with `…` for each secret of a queue, whoever asks."""
    try:
        yield
    except LaunchkitError as exc:
        from launchkit.resolving.known_secrets import without_queue_values

        exc.message = without_queue_values(exc.message, queue)
        exc.args = (exc.message,)
        exc.hint = without_queue_values(exc.hint, queue) if exc.hint else exc.hint
        raise
