"""Known secrets in a text, in whatever form a command line, an option or a message gives them."""

import re
import shlex
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache

from launchkit.resolving.quoted_forms import coded_forms, quoted_forms, unquoted

HIDDEN = "…"
SHORTEST = 4
"""Characters of a secret; what is shorter stands in other texts too."""
SHORTEST_PART = 8
"""Characters of a line or another part of a secret."""
MOST_KEPT = 16
"""Masks, each for the secrets of one queue."""
_PART = re.compile(rf"""[^\s,;:='"\\]{{{SHORTEST_PART},}}""")
_QUOTES = re.compile(r"""['"\\]""")
_CUT = re.compile(f"( ?{HIDDEN} ?)")
"""Where a text was shortened, as `plain_text` does it, or where a secret stood."""


class Mask:
    """Puts `…` in place of some secrets."""

    def __init__(self, secrets: Sequence[str]) -> None:
        texts = {text for one in secrets for text in _texts(str.__str__(one))}
        self.forms = frozenset(form for text in texts for form in coded_forms(text))
        longest_first = sorted(texts, key=len, reverse=True)
        patterns = (form for text in longest_first for form in quoted_forms(text))
        self._pattern = re.compile("|".join(dict.fromkeys(patterns)))
        self._all = "\0".join(unquoted(form) for form in self.forms)

    def __call__(self, text: str) -> str:
        """*text* with `…` for each secret or part of one, also for what was left of one where the
        text was shortened.
        """
        if not self.forms:
            return text
        text = self._pattern.sub(HIDDEN, text)
        return self._without_ends(text) if HIDDEN in text else text

    def _without_ends(self, text: str) -> str:
        pieces = _CUT.split(text)
        last = len(pieces) - 1
        for at in range(0, len(pieces), 2):
            if at > 0:
                pieces[at] = pieces[at][self._known(pieces[at]) :]
            if at < last:
                known = self._known(pieces[at], from_end=True)
                pieces[at] = pieces[at][: len(pieces[at]) - known]
        return "".join(pieces)

    def _known(self, piece: str, *, from_end: bool = False) -> int:
        """How many of the first or the last characters of a text are a part of a secret."""

        def is_other(length: int) -> bool:
            return unquoted(part_of(length)) not in self._all

        def part_of(length: int) -> str:
            return piece[len(piece) - length :] if from_end else piece[:length]

        if len(piece) < SHORTEST_PART or is_other(SHORTEST_PART):
            return 0
        known = bisect_left(range(len(piece) + 1), True, key=is_other) - 1
        return known if len(unquoted(part_of(known))) >= SHORTEST_PART else 0


@lru_cache(maxsize=MOST_KEPT)
def mask_of(*secrets: str) -> Mask:
    """The mask for some secrets, kept for the next text: an agent masks each that it tells."""
    return Mask(secrets)


def _texts(secret: str) -> Iterator[str]:
    """A secret and its parts, but for what stands in other texts too."""
    yield from (text for text in (secret, *_parts(secret)) if len(text) >= SHORTEST)


def _parts(secret: str) -> Iterator[str]:
    """What becomes of a secret where a command or an option is read: its lines, its words without
    their quotes, and what is between commas, colons, semicolons and equals signs.
    """
    yield from _PART.findall(secret)
    yield from (line.strip() for line in secret.splitlines() if _is_long(line.strip()))
    for text in (secret, f'"{secret}"') if _QUOTES.search(secret) else ():
        with suppress(ValueError):
            words = shlex.split(text)
            yield from (word for word in words if len(words) == 1 or _is_long(word))
            for word in words:
                yield from _PART.findall(word)


def _is_long(text: str) -> bool:
    return len(text) >= SHORTEST_PART
