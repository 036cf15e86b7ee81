"""A command as it may be shown."""

from collections.abc import Sequence

from launchkit.resolving.masking import mask_of
from launchkit.resolving.secret_places import Walk


def hidden_words(words: Sequence[str], secrets: Sequence[str] = ()) -> list[str]:
    """The words of a command with `…` for each secret, as the names before it tell, and for each of
    some known *secrets*; all else stays, for where each word ends is certain.
    """
    return [*map(str, Walk(mask_of(*secrets)).listed(words, "", ()))]
