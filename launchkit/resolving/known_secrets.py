"""The secrets of a queue as values, to be masked where no name tells of them, as in an error."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from launchkit.model import QueueSpec
from launchkit.plain_text import shortened
from launchkit.references import is_elsewhere, without_references
from launchkit.resolving.masking import Mask, mask_of
from launchkit.resolving.secret_places import Found, secrets_in
from launchkit.resolving.secret_texts import parts_of
from launchkit.resolving.secret_values import secret_defaults, spec_without

LONGEST = 8000
"""Characters of a text that are looked through for secrets and told."""
NO_SECRETS = frozenset({"true", "false", "none", "null"})


def queue_secrets(spec: QueueSpec) -> tuple[str, ...]:
    """What is hidden of a queue's config and of its template variables."""
    return _known(spec, secrets_in(spec.config))


def without_secrets(spec: QueueSpec) -> QueueSpec:
    """A queue as those who are not its operators see it: what a name tells to be a secret is hidden
    there, and wherever else it stands.
    """
    keeping = cache(parts_of)
    found = secrets_in(spec.config, keeping)
    return spec_without(spec, found, mask_of(*_known(spec, found)), keeping)


def without_queue_values(text: str, mask: Mask) -> str:
    """A text with `…` for what the *mask* of a queue hides; of a very long one, its beginning and
    its end.
    """
    return mask(shortened(text, LONGEST))


def queue_mask(spec: QueueSpec) -> Mask:
    """What hides the secrets of a queue in a text."""
    return mask_of(*queue_secrets(spec))


def _known(spec: QueueSpec, found: Sequence[Found]) -> tuple[str, ...]:
    written = (value for one in found for value in one.values)
    return tuple(dict.fromkeys(_pieces((*secret_defaults(found, spec.variables), *written))))


def _pieces(values: Iterable[str]) -> Iterator[str]:
    """Values as they stand in the queue, and what of them stays once their macros are filled."""
    for value in values:
        whole = () if is_elsewhere(value) else (value,)
        for piece in (*whole, *without_references(value)):
            if piece and piece.lower() not in NO_SECRETS:
                yield piece
