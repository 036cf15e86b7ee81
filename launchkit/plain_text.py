"""What other programs and people print, say and name, as plain text of bounded length that a
terminal shows and does not obey.

It takes linear time, whatever they print: the input is cut first, and no pattern backtracks.
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, AnyStr

from launchkit.errors import SEARCHED_CHARACTERS, without_known

LINES = 20
LINE_CHARACTERS = 1000
MESSAGE_CHARACTERS = 2000
TAIL_BYTES = 1 << 14
"""How much is told at most of what was printed last."""
BESIDE_A_CUT = SEARCHED_CHARACTERS // 4
"""How far from where a text was cut it is looked through and not told: a secret of several words
that was cut there is known no more.
"""
LAST_BYTES = TAIL_BYTES + BESIDE_A_CUT + 1
"""Of some output, from which `tail_lines` knows whether it was cut."""

UNSHOWN = re.compile(
    r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\r\n]*+(?:\x07|\x1b\\|\x9c)?"
    r"|(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]?"
    r"|\x1b[ -/]*+[0-~]?"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
)
"""Escape sequences (ECMA-48, 5.3 to 5.6): control strings, control sequences, and all others; one
that does not end goes to the end of its line. And other control characters, but for what moves on
to another place of a line or a text.
"""
_NO_LETTER = re.compile("[\0\ud800-\udfff]")
_ERASED = re.compile(r"\x1b\[[0-2]?K")
_BETWEEN_WORDS = " \t\n"
"""White space that no evidence is without, so that no word is in pieces once it is shown."""
_UNSEEN = (
    *((0x00, 0x08), (0x0B, 0x1F), (0x7F, 0x9F), (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C)),
    *((0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F), (0x2028, 0x202E)),
    *((0x2060, 0x206F), (0x2800, 0x2800), (0x3164, 0x3164), (0xD800, 0xDFFF), (0xFE00, 0xFE0E)),
    *((0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0x13430, 0x1343F)),
    *(
        (0x16FE4, 0x16FE4),
        (0x1BCA0, 0x1BCA3),
        (0x1D159, 0x1D159),
        (0x1D173, 0x1D17A),
        (0xE0000, 0xE0FFF),
    ),
)
"""Characters that a terminal obeys, that turn the direction of a text, that nobody sees, or that
are none, from the first to the last; without tabs and newlines.
"""


def tail_lines(output: bytes) -> tuple[str, ...]:
    """The last lines of some output without escape sequences, whatever its bytes are: at most
    `LINES` that are not empty, of at most `LINE_CHARACTERS` each, from its last `TAIL_BYTES`.

    What was cut has an ellipsis in its place.
    """
    end = ending(_looked_through(output).encode()).decode(errors="replace")
    lines = (_seen(line).rstrip() for line in end.split("\n"))
    return tuple([shortened(line, LINE_CHARACTERS) for line in lines if line][-LINES:])


def ending(output: bytes, size: int = TAIL_BYTES) -> bytes:
    """The last *size* bytes of some output, with an ellipsis in the place of what was cut, and of
    the rest of a word there.
    """
    if len(output) <= size:
        return output
    return "…".encode() + without_first_word(output[-size - 1 :])


def last_bytes(output: bytes) -> bytes:
    """As much of some output that goes on as `tail_lines` wants to know that it was cut."""
    return output[-LAST_BYTES:]


def _looked_through(output: bytes) -> str:
    """The end of some output, without what is known to be a secret."""
    text = output[1 - LAST_BYTES :].decode(errors="replace")
    if len(output) < LAST_BYTES:
        return without_known(text)
    return f"…{without_first_word(_end_of_known(text))}"


def without_first_word(text: AnyStr) -> AnyStr:
    """What begins somewhere in a text, without the rest of a word there: the rest of a secret would
    not be known as one.
    """
    return text[min(_between_words(text, text.find), default=len(text)) :]


def without_last_word(text: AnyStr) -> AnyStr:
    """What ends somewhere in a text, without the beginning of a word there."""
    return text[: max(_between_words(text, text.rfind), default=-1) + 1]


def _between_words(text: str | bytes, find: Callable[[Any], int]) -> Iterator[int]:
    signs = _BETWEEN_WORDS if isinstance(text, str) else _BETWEEN_WORDS.encode()
    return (at for at in map(find, signs) if at >= 0)


def _seen(line: str) -> str:
    """What a terminal still shows of a line whose beginning was written over, as progress bars do.

    Each piece after a carriage return hides as much of those before it as it is long, and all of
    it where it erases the rest of its line. What is left of one begins with an ellipsis, which is
    in the place of the rest of a word, too.
    """
    shown = ""
    for printed in reversed(line.split("\r")):
        piece = UNSHOWN.sub("", printed)
        if not shown:
            shown = piece
        elif len(piece) > len(shown):
            shown += f"…{without_first_word(piece[len(shown) - 1 :])}"
        if _ERASED.search(printed):
            break
    return shown


def shortened(text: str, characters: int = MESSAGE_CHARACTERS) -> str:
    """A text of at most so many *characters*: of a longer one its beginning and its end, of which
    no word is cut, as a part of a word may be a part of a secret that is not known as one. Where no
    word of the end is short enough, it says in its place how long the text is.
    """
    if len(text) <= characters:
        return text
    looked = max(characters + 2 * BESIDE_A_CUT, SEARCHED_CHARACTERS)
    if len(text) > looked:
        begin = _beginning_of_known(text[: looked // 2])
        return _joined(begin, _end_of_known(text[-looked // 2 :]), len(text), characters)
    known = without_known(text)
    return known if len(known) <= characters else _joined(known, known, len(known), characters)


def _beginning_of_known(cut: str) -> str:
    """The beginning of a text that was cut at its end, without what is known to be a secret, as far
    from there as `BESIDE_A_CUT`, however short the rest became.
    """
    known = without_known(cut)
    return known[: max(0, len(known) - len(without_known(cut[-BESIDE_A_CUT:])))]


def _end_of_known(cut: str) -> str:
    """The same of one that was cut at its beginning."""
    return without_known(cut)[len(without_known(cut[:BESIDE_A_CUT])) :]


def _joined(begin: str, end: str, length: int, characters: int) -> str:
    """What a text of some *length* begins and ends with, as words, of at most so many *characters*
    together.
    """
    half = (characters - len(" … ")) // 2
    first = without_last_word(begin[: half + 1]).rstrip()
    last = without_first_word(end[-half - 1 :]).strip() or f"({length} characters)"
    return f"{first} … {last}".lstrip()


def storable(text: str) -> str:
    """A text that each queue keeps, also one that is a file's name: without what is no letter."""
    return _NO_LETTER.sub("\ufffd", text)


def visible(text: str) -> str:
    r"""A text in which what would not be seen as itself is written out, such as `\x1b` and
    `\u202e`; tabs and newlines stay.
    """
    return text if _plain(text) else text.translate(_in_text())


def visible_line(text: str) -> str:
    """As `visible`, on one line: tabs and newlines are written out, too."""
    return text if _plain(text) else text.translate(_in_line())


def visible_json(text: str) -> str:
    """JSON that means the same, and in which nothing is that would not be seen as itself."""
    return text if _plain(text) else text.translate(_in_json())


def _plain(text: str) -> bool:
    """Whether nothing is to be written out, as in most texts: all commands load this, and few of
    them need the tables, which take their time to make.
    """
    return text.isascii() and text.isprintable()


@cache
def _in_text() -> dict[int, str]:
    return {code: chr(code).encode("unicode_escape").decode("ascii") for code in _codes()}


@cache
def _in_line() -> dict[int, str]:
    return {**_in_text(), ord("\t"): r"\t", ord("\n"): r"\n"}


@cache
def _in_json() -> dict[int, str]:
    return {code: json.dumps(chr(code))[1:-1] for code in _codes()}


def _codes() -> Iterator[int]:
    for first, last in _UNSEEN:
        yield from range(first, last + 1)
