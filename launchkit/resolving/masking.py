"""Known secrets in a text, in whatever form a command line, an option or a message gives them."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

from launchkit.addresses import masked
from launchkit.resolving.readings import Reading, folded, readings
from launchkit.shell_words import split_line

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
MOST_ALIKE = 8
"""Secrets that are the same but for quotes and spaces; of more, each is known by the rest alone."""
MOST_LOOKS = 100_000
"""At places where one may be, and as many as there is room for in a text; of more, all is hidden.
"""
FEW = 64
"""Texts that are looked for one by one; of more, each where its mark is."""
MARK = 8
"""Letters of a mark, if a text has so many, else the `SHORTEST`."""
MARKS = 16
"""Places of a text of which one becomes its mark, where the fewest others have the same."""
MOST_OF_A_MARK = 32
"""Texts with the same mark, which are looked for at each place where it is."""
LONGEST_MARKED = 1024
"""Letters of a text that are compared at each of these places."""
QUOTES = "\\'\"$"
"""What quotes are made of."""
WHITE = "".join(letter for letter in map(chr, range(0x3001)) if letter.isspace())
"""White space, which `\\s` is, too."""
_PART = re.compile(rf"""[^\s,;:='"\\]{{{SHORTEST_PART},}}""")
_QUOTE = r"[\\'\"$]"
_LEFT_OUT = re.compile(r"[\s+\\'\"$]++")
"""White space and quotes, however many, and what addresses have for a space."""
_BETWEEN = re.compile(r"[\s\\'\"$]++")
_NUMBER = re.compile(r"[+-]?+(?:[0-9]++\.?+[0-9]*+|\.[0-9]++)")
_QUOTES = re.compile(rf"{_QUOTE}*+")
_SPACES = re.compile(rf"{_QUOTE}*+[\s+][\s+\\'\"$]*+")
"""White space, which shells and what shortens a text make one space of, and addresses a plus."""
_BEFORE = ("", "https://", "postgresql://", "https://x?")
"""What a secret stands behind where it is an address, or a part of one that has a login or not."""
_PLAIN = re.compile(r"[A-Za-z0-9_.:@%+=-]++")
"""What nothing quotes."""
_PIECE = re.compile(
    rf"(?P<plain>{_PLAIN.pattern})|(?P<between>{_QUOTE}*+\s[\s+\\'\"$]*+|{_QUOTE}++)|(?P<other>.)",
    re.DOTALL,
)
"""A plus behind white space belongs to it, as addresses have one for each space."""


class Mask:
    """Puts `…` in place of some secrets."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self.texts = frozenset(text for one in secrets for text in _texts(str.__str__(one)))
        self._numbers = {_without_zeros(text) for text in self.texts if _NUMBER.fullmatch(text)}
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

    def hides(self, number: float) -> bool:
        """Whether a number is what became of a secret, or of a text with one in it."""
        text = str(number)
        return _without_zeros(text) in self._numbers or self(text) != text

    def places(self, text: str) -> list[tuple[int, int]]:
        """Where the secrets and their parts are in a text, in the order of their beginnings."""
        if not self.texts:
            return []
        return sorted({place for reading in readings(text) for place in self._places(reading)})

    def _places(self, reading: Reading) -> Iterator[tuple[int, int]]:
        yield from (reading.place(*one) for one in self._as_written.places(reading.text))
        small = reading.folded()
        yield from (small.place(*one) for one in self._in_any_case.places(small.text))


class MaskOfAll(Mask):
    """Puts `…` in place of each whole text, where the secrets are too many to look for."""

    def __init__(self) -> None:
        super().__init__(())

    def places(self, text: str) -> list[tuple[int, int]]:
        """The whole of a text."""
        return [(0, len(text))] if text else []


@dataclass(frozen=True)
class _Known:
    """Some texts, and those of them that may be quoted."""

    texts: "_Marked"
    letters: "_Marked"
    quoted: Mapping[str, Sequence[str]]
    """By their letters, which stand in all of their forms in this order."""

    @classmethod
    def of(cls, known: Iterable[str]) -> "_Known":
        texts = frozenset(known)
        cores = {_core(text) for text in texts if not _PLAIN.fullmatch(text)}
        quoted: dict[str, list[str]] = {}
        for core in filter(_is_quotable, cores):
            quoted.setdefault(_LEFT_OUT.sub("", core), []).append(core)
        return cls(_Marked.of(texts), _Marked.of(quoted), quoted)

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """Where they stand in a text."""
        most = MOST_LOOKS + len(text) // SHORTEST
        for number, (one, at) in enumerate(self.texts.places(text)):
            if number == most:
                yield 0, len(text)
                return
            yield at, at + len(one)
        if not self.quoted:
            return
        bare = Reading(text).without(_LEFT_OUT)
        for number, (letters, at) in enumerate(self.letters.places(bare.text, overlapping=True)):
            if number == most:
                yield 0, len(text)
                return
            start, end = bare.place(at, at + len(letters))
            alike = self.quoted[letters]
            if len(alike) > MOST_ALIKE:
                yield start, end
            else:
                yield from filter(None, (_quoted_at(text, core, start) for core in alike))


@dataclass(frozen=True)
class _Marked:
    """Some texts by a mark of each, which is a few letters of it: to look for each of many texts
    from one end of another one to the other would take too long.
    """

    by_mark: Mapping[str, Sequence[tuple[str, int]]]
    """Texts, and where in each its mark ends."""
    lengths: Collection[int]
    """Of marks."""
    others: Sequence[str]
    """Which are looked for by themselves."""

    @classmethod
    def of(cls, texts: Collection[str]) -> "_Marked":
        if len(texts) <= FEW:
            return cls({}, (), [*texts])
        by_mark: dict[str, list[tuple[str, int]]] = {}
        others: list[str] = []
        for text in texts:
            if len(text) > LONGEST_MARKED:
                others.append(text)
                continue
            length = MARK if len(text) >= MARK else SHORTEST
            ends = range(length, len(text) + 1, len(text) // MARKS + 1)
            marks = [(text[end - length : end], end) for end in ends]
            mark, end = min(marks, key=lambda one: len(by_mark.get(one[0], ())), default=("", 0))
            with_it = by_mark.setdefault(mark, [])
            if mark and len(with_it) < MOST_OF_A_MARK:
                with_it.append((text, end))
            else:
                others.append(text)
        return cls(by_mark, {*map(len, by_mark)} - {0}, others)

    def places(self, text: str, *, overlapping: bool = False) -> Iterator[tuple[str, int]]:
        """Which of them stand in a text, and where each begins, also where it is *overlapping*
        itself.
        """
        for one in self.others:
            at = text.find(one)
            while at >= 0:
                yield one, at
                at = text.find(one, at + (1 if overlapping else len(one)))
        by_mark, done = self.by_mark, dict[str, int]()
        for length in self.lengths:
            for end in range(length, len(text) + 1):
                mark = text[end - length : end]
                if mark not in by_mark:
                    continue
                for one, before in by_mark[mark]:
                    at = end - before
                    if at >= done.get(one, 0) and text.startswith(one, at):
                        done[one] = at + (1 if overlapping else len(one))
                        yield one, at


@lru_cache(maxsize=MOST_KEPT)
def mask_of(*secrets: str) -> Mask:
    """The mask for some secrets, kept for the next text: an agent masks each that it tells."""
    return Mask(secrets)


def _texts(secret: str) -> Iterator[str]:
    """A secret and its readings, with their parts, but for what stands in other texts too."""
    for reading in readings(secret):
        text = reading.text
        number = [_without_zeros(text)] if _NUMBER.fullmatch(text) else []
        yield from (one for one in (text, *_parts(text), *number) if len(one) >= SHORTEST)
        yield from _without_logins(text)


def _without_zeros(number: str) -> str:
    """What of the text of a number each other way of writing it has, too."""
    bare = number.lstrip("+-0")
    return bare.rstrip("0").rstrip(".") if "." in bare else bare


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
            words = split_line(text)
            yield from (word for word in words if len(words) == 1 or _is_long(word))
            for word in words:
                yield from _PART.findall(word)


def _is_long(text: str) -> bool:
    return len(text) >= SHORTEST_PART


def _core(text: str) -> str:
    """A text without the quotes around it, unless too little would be left; empty: it has no other
    letters.
    """
    core = text.strip(QUOTES + WHITE)
    lead = _LEFT_OUT.match(core)
    if lead and lead[0].strip("+"):
        core = core[lead.end() :]
    return core if len(core) >= SHORTEST or not core else text


def _is_quotable(core: str) -> bool:
    """Whether a text can be looked for however it is quoted, in linear time: it does not begin anew
    at each of its letters.
    """
    letters = _LEFT_OUT.sub("", core)
    if not letters or len(core) > LONGEST_QUOTED:
        return False
    first = _PIECE.match(core.lstrip(QUOTES + WHITE))
    begin = _LEFT_OUT.sub("", first[0]) if first else ""
    return letters.count(begin or letters[0]) <= MOST_BEGINNINGS


def _quoted_at(text: str, core: str, at: int) -> tuple[int, int] | None:
    """From where to where the words of *core* stand in a text, of which the first letter is *at* a
    place, and between them whatever quotes there are, in whatever style, at least as many as in
    *core*.
    """
    start = at = at - len(_pluses(core))
    if text.startswith(core, at) and core[-1] not in QUOTES:
        return at, at + len(core)  # as most are, which takes no step for each word
    if lead := _BETWEEN.match(core):
        left_out = QUOTES + WHITE + "+" if _has_space(lead[0]) else QUOTES
        while start and text[start - 1] in left_out:
            start -= 1
        at = start
    is_between = True  # nothing is looked for before the beginning
    for found in _PIECE.finditer(core):
        piece, was_between, is_between = found[0], is_between, bool(found["between"])
        if not is_between:
            at = at if was_between else _end_of(_QUOTES.match(text, at), at)
            if not text.startswith(piece, at):
                return None
            at += len(piece)
            continue
        has_space = _has_space(piece)
        end = _end_of(_SPACES.match(text, at) if has_space else _QUOTES.match(text, at), at)
        least = 1 if has_space else len(piece)
        if end - at < least or text.count("+", at, end) < piece.count("+"):
            return None
        at = end
    return start, at


def _end_of(found: re.Match[str] | None, at: int) -> int:
    """Where what was looked for *at* a place ends; the same place if it is not there."""
    return found.end() if found else at


def _has_space(between: str) -> bool:
    return any(map(str.isspace, between))


def _pluses(core: str) -> str:
    """Those that are its beginning, as they are left out of its letters."""
    return core[: len(core) - len(core.lstrip("+"))]
