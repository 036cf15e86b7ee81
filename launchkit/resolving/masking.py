"""Known secrets in a text, in whatever form a command line, an option or a message gives them."""

import re
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from string import whitespace

from launchkit.addresses import masked
from launchkit.resolving.readings import Reading, folded, readings

HIDDEN = "…"
SHORTEST = 4
"""Characters of a secret; what is shorter stands in other texts too."""
SHORTEST_PART = 8
"""Characters of a line or another part of a secret."""
ANY_CASE = 16
"""Characters of what is known in capitals and in small letters alike; shorter words are others."""
MOST_KEPT = 16
"""Masks, each for the secrets of one queue."""
LONGEST_SPLIT = 4096
"""Characters of a secret whose sides are known, as an option splits it at one sign."""
LONGEST_QUOTED = 1 << 14
"""Characters of a secret that is known however it is quoted."""
MOST_BEGINNINGS = 64
"""How often its first piece may be in it: so often each letter of a text is looked at."""
FEW = 64
"""Texts that are looked for one by one; of more, those alone of which a mark is there."""
MARKS = 16
"""Places of a text of which one becomes its mark, where the fewest others have the same."""
QUOTES = "\\'\"$"
"""What quotes are made of."""
_PART = re.compile(rf"""[^\s,;:='"\\]{{{SHORTEST_PART},}}""")
_QUOTE = r"[\\'\"$]"
_SPACES = rf"{_QUOTE}*+[\s+][\s+\\'\"$]*+"
"""White space, which shells and what shortens a text make one space of, and addresses a plus."""
_BEFORE = ("", "https://", "postgresql://", "https://x?")
"""What a secret stands behind where it is an address, or a part of one that has a login or not."""
_PLAIN = re.compile(r"[\w.:@%+=-]++", re.ASCII)
"""What nothing quotes."""
_PIECE = re.compile(
    rf"(?P<plain>{_PLAIN.pattern})|(?P<between>{_QUOTE}*+\s[\s+\\'\"$]*+|{_QUOTE}++)|(?P<other>.)",
    re.ASCII | re.DOTALL,
)
"""A plus behind white space belongs to it, as addresses have one for each space."""


class Mask:
    """Puts `…` in place of some secrets."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self.texts = frozenset(text for one in secrets for text in _texts(str.__str__(one)))
        self._as_written = _Known.of(text for text in self.texts if len(text) < ANY_CASE)
        self._in_any_case = _Known.of(folded(text) for text in self.texts if len(text) >= ANY_CASE)

    def __call__(self, text: str) -> str:
        """*text* with `…` for each secret or part of one. To be cut between words alone: a part of
        a word is known as one nowhere, as who writes what stands beside it could else find out a
        secret letter by letter.
        """
        pieces: list[str] = []
        done = 0
        for start, end in self.places(text):
            if start >= done:
                pieces += (text[done:start], HIDDEN)
            done = max(done, end)
        return "".join((*pieces, text[done:])) if pieces else text

    def places(self, text: str) -> list[tuple[int, int]]:
        """Where the secrets and their parts are in a text, in the order of their beginnings."""
        if not self.texts:
            return []
        return sorted({place for reading in readings(text) for place in self._places(reading)})

    def _places(self, reading: Reading) -> Iterator[tuple[int, int]]:
        yield from (reading.place(*one) for one in self._as_written.places(reading.text))
        small = reading.folded()
        yield from (small.place(*one) for one in self._in_any_case.places(small.text))


@dataclass(frozen=True)
class _Known:
    """Some texts, and those of them that may be quoted."""

    texts: "_Marked"
    anchors: "_Marked"
    quoted: Mapping[str, Sequence[str]]
    """By what stands in all of their forms."""

    @classmethod
    def of(cls, known: Iterable[str]) -> "_Known":
        texts = frozenset(known)
        cores = {_core(text) for text in texts if not _PLAIN.fullmatch(text)}
        quoted: dict[str, list[str]] = {}
        for core in filter(_is_quotable, cores):
            quoted.setdefault(_anchor(core), []).append(core)
        return cls(_Marked.of(texts), _Marked.of(quoted), quoted)

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """Where they stand in a text."""
        for one in self.texts.within(text):
            at = text.find(one)
            while at >= 0:
                yield at, at + len(one)
                at = text.find(one, at + len(one))
        for anchor in self.anchors.within(text):
            for core in self.quoted[anchor]:
                yield from (found.span() for found in _as_any_quotes_it(core).finditer(text))


@dataclass(frozen=True)
class _Marked:
    """Some texts by a mark of each, which is a few letters of it: of many texts few stand in
    another one, and to look for each of them would take too long.
    """

    by_mark: Mapping[str, Sequence[str]]
    others: Sequence[str]
    """Which are looked for by themselves."""

    @classmethod
    def of(cls, texts: Collection[str]) -> "_Marked":
        if len(texts) <= FEW:
            return cls({}, [*texts])
        by_mark: dict[str, list[str]] = {}
        for text in texts:
            ends = range(SHORTEST, len(text) + 1, len(text) // MARKS + 1)
            marks = [text[end - SHORTEST : end] for end in ends]
            mark = min(marks, key=lambda one: len(by_mark.get(one, ())), default="")
            by_mark.setdefault(mark, []).append(text)
        return cls(by_mark, by_mark.pop("", []))

    def within(self, text: str) -> Iterator[str]:
        """Those of them that stand in a text."""
        yield from (one for one in self.others if one in text)
        ends = range(SHORTEST, len(text) + 1) if self.by_mark else ()
        marks = (text[end - SHORTEST : end] for end in ends)
        for mark in {one for one in marks if one in self.by_mark}:
            yield from (one for one in self.by_mark[mark] if one in text)


@lru_cache(maxsize=MOST_KEPT)
def mask_of(*secrets: str) -> Mask:
    """The mask for some secrets, kept for the next text: an agent masks each that it tells."""
    return Mask(secrets)


def _texts(secret: str) -> Iterator[str]:
    """A secret and its readings, with their parts, but for what stands in other texts too."""
    for reading in readings(secret):
        text = reading.text
        yield from (one for one in (text, *_parts(text)) if len(one) >= SHORTEST)
        yield from _without_logins(text)


def _without_logins(secret: str) -> Iterator[str]:
    """What is left of a secret in an error, which has no login in an address from the start."""
    for before in _BEFORE:
        shown = masked(before + secret).removeprefix(before)
        if shown != secret and _is_long(shown.replace(HIDDEN, "")):
            yield shown


def _parts(secret: str) -> Iterator[str]:
    """What becomes of a secret where a command or an option is read or a text is cut: its lines,
    its words, also without their quotes, and what is between commas, colons, semicolons and equals
    signs, and of that what is before and behind a login's end; and all before and behind the first
    or the last of these signs.
    """
    parts = _PART.findall(secret)
    ends = (piece for part in parts for piece in part.split("@"))
    signs = ",;:=" if len(secret) <= LONGEST_SPLIT else ""
    splits = (way(secret, sign) for sign in signs for way in (str.partition, str.rpartition))
    sides = (side for before, sign, behind in splits if sign for side in (before, behind))
    yield from filter(_is_long, (*parts, *ends, *sides, *secret.split()))
    yield from (line.strip() for line in secret.splitlines() if _is_long(line.strip()))
    for text in (secret, f'"{secret}"') if {*QUOTES} & {*secret} else ():
        with suppress(ValueError):
            words = shlex.split(text)
            yield from (word for word in words if len(words) == 1 or _is_long(word))
            for word in words:
                yield from _PART.findall(word)


def _is_long(text: str) -> bool:
    return len(text) >= SHORTEST_PART


def _core(text: str) -> str:
    """A text without the quotes around it, unless too little would be left; empty: it has no other
    letters.
    """
    core = text.strip(QUOTES + whitespace)
    return core if len(core) >= SHORTEST or not core else text


def _is_quotable(core: str) -> bool:
    """Whether a text can be looked for however it is quoted, in linear time."""
    first = _PIECE.match(core)
    return (
        first is not None
        and len(core) <= LONGEST_QUOTED
        and core.count(first[0]) <= MOST_BEGINNINGS
    )


@lru_cache(maxsize=MOST_KEPT**2)
def _as_any_quotes_it(text: str) -> re.Pattern[str]:
    """The words of a text as they are, and between them whatever quotes there are, in whatever
    style, at least as many as in the text. It takes linear time if that `_is_quotable`.
    """
    pattern = f"(?<!{_QUOTE})" if text[0] in QUOTES else ""
    is_between = True  # nothing is looked for before the beginning
    for found in _PIECE.finditer(text):
        was_between, is_between = is_between, bool(found["between"])
        if not is_between:
            pattern += "" if was_between else f"{_QUOTE}*+"
            pattern += re.escape(found[0])
        elif any(map(str.isspace, found["between"])):
            pluses = found["between"].count("+")
            pattern += f"(?=(?:[\\s\\\\'\"$]*+\\+){{{pluses}}})" if pluses else ""
            pattern += _SPACES
        else:
            pattern += f"{_QUOTE}{{{len(found['between'])},}}+"
    return re.compile(pattern)


def _anchor(text: str) -> str:
    """What of a text stands in all of its forms: its longest plain piece."""
    plain = (found["plain"] for found in _PIECE.finditer(text) if found["plain"])
    return max(plain, key=len, default="")
