"""A command as it may be shown."""

from collections.abc import Sequence

from launchkit.resolving.secret_places import Walk


def hidden_words(words: Sequence[str]) -> list[str]:
    """The words of a command with `…` for each secret, as the names before it tell; all else stays,
    for where each word ends is certain.
    """
    return [*map(str, Walk().listed(words, "", ()))]
