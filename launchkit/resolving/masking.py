"""Known secrets in a text, in whatever form a command line, an option or a message gives them."""

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from string import whitespace

from launchkit.resolving.readings import Reading, readings

HIDDEN = "…"
SHORTEST = 4
"""Characters of a secret; what is shorter stands in other texts too."""
SHORTEST_PART = 8
"""Characters of a line or another part of a secret."""
MOST_KEPT = 16
"""Masks, each for the secrets of one queue."""
QUOTES = "\\'\"$"
"""What quotes are made of."""
_PART = re.compile(rf"""[^\s,;:='"\\]{{{SHORTEST_PART},}}""")
_QUOTE = r"[\\'\"$]"
_SPACES = rf"{_QUOTE}*+[\s+][\s+\\'\"$]*+"
"""White space, which shells and what shortens a text make one space of, and addresses a plus."""
_PLAIN = re.compile(r"[\w.:@%+=-]++", re.ASCII)
"""What nothing quotes."""
_PIECE = re.compile(
    rf"(?P<plain>{_PLAIN.pattern})|(?P<between>[\s\\'\"$]++)|(?P<other>.)", re.ASCII | re.DOTALL
)


class Mask:
    """Puts `…` in place of some secrets."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self.texts = frozenset(text for one in secrets for text in _texts(str.__str__(one)))
        forms = dict.fromkeys(form for text in self.texts for form in _forms(text))
        self._forms = [(_anchor(text), re.compile(pattern)) for pattern, text in forms]

    def __call__(self, text: str) -> str:
        """*text* with `…` for each secret or part of one. To be cut between words alone: a part of
        a word is known as one nowhere, as who writes what stands beside it could else find out a
        secret letter by letter.
        """
        found = sorted({place for reading in readings(text) for place in self._places(reading)})
        pieces: list[str] = []
        done = 0
        for start, end in found:
            if start >= done:
                pieces += (text[done:start], HIDDEN)
            done = max(done, end)
        return "".join((*pieces, text[done:])) if found else text

    def _places(self, reading: Reading) -> Iterator[tuple[int, int]]:
        for anchor, form in self._forms:
            if anchor in reading.text:
                yield from (reading.place(*one.span()) for one in form.finditer(reading.text))


@lru_cache(maxsize=MOST_KEPT)
def mask_of(*secrets: str) -> Mask:
    """The mask for some secrets, kept for the next text: an agent masks each that it tells."""
    return Mask(secrets)


def _texts(secret: str) -> Iterator[str]:
    """A secret and its readings, with their parts, but for what stands in other texts too."""
    for reading in readings(secret):
        text = reading.text
        yield from (one for one in (text, *_parts(text)) if len(one) >= SHORTEST)


def _parts(secret: str) -> Iterator[str]:
    """What becomes of a secret where a command or an option is read or a text is cut: its lines,
    its words, also without their quotes, and what is between commas, colons, semicolons and equals
    signs.
    """
    yield from filter(_is_long, (*_PART.findall(secret), *secret.split()))
    yield from (line.strip() for line in secret.splitlines() if _is_long(line.strip()))
    for text in (secret, f'"{secret}"') if {*QUOTES} & {*secret} else ():
        with suppress(ValueError):
            words = shlex.split(text)
            yield from (word for word in words if len(words) == 1 or _is_long(word))
            for word in words:
                yield from _PART.findall(word)


def _is_long(text: str) -> bool:
    return len(text) >= SHORTEST_PART


def _forms(text: str) -> Iterator[tuple[str, str]]:
    """Regular expressions for what a text is in a reading, each with what it is for: as it is, and
    with whatever quotes there may be within it. None of them takes more than linear time.
    """
    yield re.escape(text), text
    core = text.strip(QUOTES + whitespace)
    if core and not _PLAIN.fullmatch(text):
        text = core if len(core) >= SHORTEST else text
        yield _as_any_quotes_it(text), text


def _as_any_quotes_it(text: str) -> str:
    """The words of a text as they are, and between them whatever quotes there are, in whatever
    style, at least as many as in the text.
    """
    pattern = f"(?<!{_QUOTE})" if text[0] in QUOTES else ""
    is_between = True  # nothing is looked for before the beginning
    for found in _PIECE.finditer(text):
        was_between, is_between = is_between, bool(found["between"])
        if not is_between:
            pattern += "" if was_between else f"{_QUOTE}*+"
            pattern += re.escape(found[0])
        elif any(map(str.isspace, found["between"])):
            pattern += _SPACES
        else:
            pattern += f"{_QUOTE}{{{len(found['between'])},}}+"
    return pattern


def _anchor(text: str) -> str:
    """What of a text stands in all of its forms: its longest plain piece."""
    plain = (found["plain"] for found in _PIECE.finditer(text) if found["plain"])
    return max(plain, key=len, default="")
