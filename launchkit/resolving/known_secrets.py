"""The secrets of a queue as values, to be masked where no name tells of them, as in an error."""

from collections.abc import Iterator

from launchkit.model import Json, QueueSpec
from launchkit.resolving.secret_places import secrets_in
from launchkit.resolving.secret_texts import without_references
from launchkit.resolving.secret_values import secret_defaults, without_values

NO_SECRETS = frozenset({"true", "false", "none", "null"})


def queue_secrets(spec: QueueSpec) -> tuple[str, ...]:
    """What is hidden of a queue's config and of its template variables."""
    return (*secret_defaults(spec), *_written(spec.config))


def without_queue_values(text: str, spec: QueueSpec) -> str:
    """A text with `…` for each secret of a queue."""
    return str(without_values({"": text}, queue_secrets(spec))[""])


def _written(config: Json) -> Iterator[str]:
    values = (value for found in secrets_in(config) for value in found.values)
    for value in values:
        for piece in without_references(value):
            if piece and piece.lower() not in NO_SECRETS:
                yield piece
