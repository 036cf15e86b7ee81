r"""What a text reads as once the codes in it are taken away, which shells, JSON, Python, YAML, HTML
and addresses write: `\u0027`, `\x27`, `\047`, `\n`, `\'`, `\N{APOSTROPHE}`, `&#39;`, `&apos;`,
`%27`; and without a difference between capitals and small letters.

Quotes themselves stay. All takes linear time: each reading is one way through a text, and there are
few of them.
"""

import re
import unicodedata
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product

from launchkit.plain_text import UNSHOWN

DEPTH = 3
"""Codes within codes, such as JSON in JSON, are taken away so often."""
_HEX = "[0-9A-Fa-f]"
_BACKSLASHES = (
    rf"\\(?:u(?P<high>[dD][89abAB]{_HEX}{{2}})\\+u(?P<low>[dD][c-fC-F]{_HEX}{{2}})"
    rf"|(?:x(?={_HEX}{{2}})|u(?={_HEX}{{4}}))(?P<hex>(?<=x){_HEX}{{2}}|{_HEX}{{4}})"
    rf"|U(?P<long>{_HEX}{{8}})|u\{{(?P<braced>{_HEX}{{1,6}})\}}"
    r"|N\{(?P<named>[A-Za-z0-9\s+-]{1,200})\}"
    r"|(?P<octal>[0-3]?[0-7]{1,2})|(?P<letter>[abtnvfreENLP_])"
    r"|(?P<itself>[^0-9A-Za-z\r\n])|(?P<fold>\r?+\n?+(?<=[\r\n])"
)
_BACKSLASHED = rf"{_BACKSLASHES}[ \t]*+))"
"""A backslash at the end of a line of a shell, Python or YAML goes with the indent of the next."""
_IN_ADDRESSES = rf"{_BACKSLASHES}[ \t+]*+))"
"""Addresses have a plus for each space there, as for spaces in a name of Python's."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_RETURN = re.compile(r"\r")
_AT_LINE_END = re.compile(r"\\(?=[\r\n])")
_PERCENT = rf"%(?P<percent>{_HEX}{{2}})"
_ENTITY = (
    rf"&(?:#(?P<decimal>[0-9]{{1,7}})|#[xX](?P<entity>{_HEX}{{1,6}})"
    r"|(?P<name>[A-Za-z][A-Za-z0-9]{1,31}));"
)
_SINGLE = {
    "\\": re.compile(_BACKSLASHED),
    "%": re.compile(_PERCENT),
    "&": re.compile(_ENTITY),
}
"""The codes of each kind by what they begin with."""
_ALL = re.compile(f"{_IN_ADDRESSES}|{_PERCENT}|{_ENTITY}")
_BYTES = re.compile(
    "[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}",
)
"""Bytes of UTF-8, each taken for a letter."""
_LETTERS = dict(zip("abtnvfreENLP_", "\a\b\t\n\v\f\r\x1b\x1b\x85\u2028\u2029\xa0", strict=True))
_BASES = {"octal": 8, "decimal": 10}


def _numbers() -> "array[int]":
    return array("q")


@dataclass(frozen=True)
class _Codes:
    """Where codes stand in a text, and what they mean in what was read of it."""

    starts: "array[int]" = field(default_factory=_numbers)
    ends: "array[int]" = field(default_factory=_numbers)
    code_starts: "array[int]" = field(default_factory=_numbers)
    code_ends: "array[int]" = field(default_factory=_numbers)


@dataclass(frozen=True)
class Reading:
    """A text, and where in the one that it was read from each of its letters stands."""

    text: str
    of: "Reading | None" = None
    codes: re.Pattern[str] | None = None
    """What was taken away of the other one."""
    meaning: "Callable[[re.Match[str]], str] | None" = None
    """What stands in its place, if it is not what codes of languages are."""

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where a part of this text stands in the text that was read first."""
        if self.of is None:
            return start, end
        return self.of.place(self._start(start), self._end(end))

    def read(self, codes: re.Pattern[str]) -> "Reading":
        """The text without some codes; the same if it has none."""
        text = codes.sub(_meaning, self.text)
        return self if text == self.text else Reading(text, self, codes)

    def without(self, what: re.Pattern[str]) -> "Reading":
        """The text without some of its letters; the same if it has none."""
        text = what.sub("", self.text)
        return self if text == self.text else Reading(text, self, what, lambda _: "")

    def folded(self) -> "Reading":
        """The text as it reads where capitals and small letters are the same."""
        text = folded(self.text)
        codes = _more_letters(self.text) if len(text) > len(self.text) else None
        return Reading(text, self, codes, _folded)

    def _start(self, at: int) -> int:
        code = bisect_right(self._codes.starts, at) - 1
        if code < 0:
            return at
        past = at - self._codes.ends[code]
        return self._codes.code_ends[code] + past if past >= 0 else self._codes.code_starts[code]

    def _end(self, at: int) -> int:
        code = bisect_right(self._codes.starts, at - 1) - 1
        if code < 0:
            return at
        return self._codes.code_ends[code] + max(0, at - self._codes.ends[code])

    @cached_property
    def _codes(self) -> "_Codes":
        """Looked for once more where a secret was found, as seldom one is."""
        found = _Codes()
        if self.of is None or self.codes is None:
            return found
        meaning, shift = self.meaning or _meaning, 0
        for code in self.codes.finditer(self.of.text):
            start, end = code.span()
            found.code_starts.append(start)
            found.code_ends.append(end)
            found.starts.append(start + shift)
            shift += len(meaning(code)) - (end - start)
            found.ends.append(end + shift)
        return found


def readings(text: str) -> Iterator[Reading]:
    """The text as it is, without control characters, and as it is shown without escape sequences
    and carriage returns; the first and the last also without codes of all kinds, the first, where
    there are several kinds, without those of each; these also with bytes of UTF-8 as the letters
    that they are, and with the end of a line as the space that it is for YAML, though it stands
    behind a backslash.
    """
    whole = Reading(text)
    shown = whole.without(UNSHOWN).without(_RETURN)
    plain = dict.fromkeys((whole, whole.without(_CONTROL), shown))
    yield from plain
    kinds = [codes for begin, codes in _SINGLE.items() if begin in text]
    seen = {one.text for one in plain}
    ways = (_ALL, *kinds) if len(kinds) > 1 or "\\" in text else (_ALL,) * len(kinds)
    for begin, codes in dict.fromkeys((*_begun(whole, ways), *_begun(shown, ways[:1]))):
        reading = begin
        for _ in range(DEPTH):
            before, reading = reading, reading.read(codes)
            if reading is before:
                break
            for one in (reading, reading.read(_BYTES)):
                if one.text not in seen:
                    seen.add(one.text)
                    yield one


def _begun(
    reading: Reading, ways: Sequence[re.Pattern[str]]
) -> Iterator[tuple[Reading, re.Pattern[str]]]:
    """A reading, and it with its ends of lines, with each of the codes to be taken away."""
    return product(dict.fromkeys((reading, reading.without(_AT_LINE_END))), ways)


def folded(text: str) -> str:
    """A text with the same letters as all have that differ from it by capitals alone, such as `ss`
    for `ß` and `SS`: each letter becomes one or more, whatever stands around it.
    """
    return text.upper().casefold()


def _folded(letter: re.Match[str]) -> str:
    return folded(letter[0])


def _more_letters(text: str) -> re.Pattern[str]:
    """The letters of a text that become several."""
    return re.compile(f"[{''.join(one for one in {*text} if len(folded(one)) > 1)}]")


def _meaning(code: re.Match[str]) -> str:
    """What a code stands for."""
    kind = code.lastgroup
    if kind is None:
        return _letter(code[0])
    told = code[kind]
    if read := _READ.get(kind):
        meaning = read(told)
        return code[0] if meaning is None else meaning
    number = int(told, _BASES.get(kind, 16))
    if kind == "low":
        number = 0x10000 + ((int(code["high"], 16) & 0x3FF) << 10) + (number & 0x3FF)
    return chr(number) if number <= 0x10FFFF else code[0]


def _of_html(name: str) -> str | None:
    from html.entities import html5  # few texts have one

    return html5.get(f"{name};")


def _of_unicode(name: str) -> str | None:
    """YAML goes on to another line within a name, too."""
    try:
        return unicodedata.lookup(" ".join(name.replace("+", " ").split()))
    except KeyError:
        return None


def _letter(units: str) -> str:
    try:
        return units.encode("latin-1").decode()
    except UnicodeDecodeError:
        return units


_READ: Mapping[str, Callable[[str], str | None]] = {
    "itself": str,
    "letter": _LETTERS.get,
    "fold": lambda _: "",
    "name": _of_html,
    "named": _of_unicode,
}
"""What is no number; None: nothing, and it stays as it is."""
