"""The secrets of a queue as values, to be masked where no name tells of them, as in an error."""

from collections.abc import Iterable, Iterator

from launchkit.model import QueueSpec
from launchkit.plain_text import shortened
from launchkit.resolving.masking import Mask, mask_of
from launchkit.resolving.references import is_elsewhere, without_references
from launchkit.resolving.secret_places import secrets_in
from launchkit.resolving.secret_values import secret_defaults, spec_without

LONGEST = 8000
"""Characters of a text that are looked through for secrets and told."""
NO_SECRETS = frozenset({"true", "false", "none", "null"})


def queue_secrets(spec: QueueSpec) -> tuple[str, ...]:
    """What is hidden of a queue's config and of its template variables."""
    written = (value for found in secrets_in(spec.config) for value in found.values)
    return tuple(dict.fromkeys(_pieces((*secret_defaults(spec), *written))))


def without_secrets(spec: QueueSpec) -> QueueSpec:
    """A queue as those who are not its operators see it: what a name tells to be a secret is hidden
    there, and wherever else it stands.
    """
    return spec_without(spec, queue_secrets(spec))


def without_queue_values(text: str, spec: QueueSpec) -> str:
    """A text with `…` for each secret of a queue; of a very long one, its beginning and its end."""
    return queue_mask(spec)(shortened(text, LONGEST))


def queue_mask(spec: QueueSpec) -> Mask:
    """What hides the secrets of a queue in a text."""
    return mask_of(*queue_secrets(spec))


def _pieces(values: Iterable[str]) -> Iterator[str]:
    """Values as they stand in the queue, and what of them stays once their macros are filled."""
    for value in values:
        whole = () if is_elsewhere(value) else (value,)
        for piece in (*whole, *without_references(value)):
            if piece and piece.lower() not in NO_SECRETS:
                yield piece
