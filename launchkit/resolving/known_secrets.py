"""The secrets of a queue as values, to be masked where no name tells of them, as in an error."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from launchkit.model import QueueSpec
from launchkit.plain_text import shortened
from launchkit.references import is_elsewhere, without_references
from launchkit.resolving.masking import Mask, MaskOfAll, mask_of
from launchkit.resolving.secret_places import Found, secrets_in
from launchkit.resolving.secret_texts import parts_of
from launchkit.resolving.secret_values import secret_defaults, spec_without, wholly_hidden

LONGEST = 8000
"""Characters of a text that are looked through for secrets and told."""
MOST_CHARACTERS_OF_SECRETS = 100_000
"""Of all that may be a secret in a queue; each of its texts is looked through for them."""
NO_SECRETS = frozenset({"true", "false", "none", "null"})


def queue_secrets(spec: QueueSpec) -> tuple[str, ...]:
    """What is hidden of a queue's config and of its template variables."""
    return _known(spec, secrets_in(spec.config))


def are_too_many(secrets: Sequence[str]) -> bool:
    """Whether the secrets of a queue are more than anybody would look for in texts."""
    return sum(map(len, secrets)) > MOST_CHARACTERS_OF_SECRETS


def without_secrets(spec: QueueSpec) -> QueueSpec:
    """A queue as those who are not its operators see it: what a name tells to be a secret is hidden
    there, and wherever else it stands; all of it, if that is too much to look for.
    """
    keeping = cache(parts_of)
    found = secrets_in(spec.config, keeping)
    known = _known(spec, found)
    if are_too_many(known):
        return wholly_hidden(spec)
    return spec_without(spec, found, mask_of(*known), keeping)


def without_queue_values(text: str, mask: Mask) -> str:
    """A text with `…` for what the *mask* of a queue hides; of a very long one, its beginning and
    its end.
    """
    return mask(shortened(text, LONGEST))


def queue_mask(spec: QueueSpec) -> Mask:
    """What hides the secrets of a queue in a text; all of it, if they are too many to look for."""
    return mask_of_known(queue_secrets(spec))


def mask_of_known(known: Sequence[str]) -> Mask:
    """What hides some secrets in a text; all of it, if they are too many to look for."""
    return MaskOfAll() if are_too_many(known) else mask_of(*known)


def _known(spec: QueueSpec, found: Sequence[Found]) -> tuple[str, ...]:
    defaults = _pieces(secret_defaults(found, spec.variables))
    return tuple(dict.fromkeys((*defaults, *written_values(found))))


def written_values(found: Sequence[Found]) -> Iterator[str]:
    """What the secrets of a config may be where they stand."""
    return _pieces(value for one in found for value in one.values)


def _pieces(values: Iterable[str]) -> Iterator[str]:
    """Values as they stand in the queue, and what of them stays once their macros are filled."""
    for value in values:
        whole = () if is_elsewhere(value) else (value,)
        for piece in (*whole, *without_references(value)):
            if piece and piece.lower() not in NO_SECRETS:
                yield piece
