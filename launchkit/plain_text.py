"""What other programs and people print, say and name, as plain text of bounded length that a
terminal shows and does not obey.

It takes linear time, whatever they print: the input is cut first, and no pattern backtracks.
"""

import json
import re

LINES = 20
LINE_CHARACTERS = 1000
MESSAGE_CHARACTERS = 2000
TAIL_BYTES = 1 << 14
"""How much is looked at of what was printed last."""

_ESCAPES = re.compile(
    r"\x1b(?:[\]PX^_][^\x07\x1b\r\n]*+(?:\x07|\x1b\\)?"
    r"|\[[0-?]*+[ -/]*+[@-~]?"
    r"|[ -/]*+[0-~]?)"
)
"""Escape sequences (ECMA-48, 5.3 to 5.6): control strings, control sequences, and all others; one
that does not end goes to the end of its line.
"""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_ERASED = re.compile(r"\x1b\[[0-2]?K")
_UNSEEN = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\u3164\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e007f\ud800-\udfff"
)
"""Characters that a terminal obeys, that turn the direction of a text, that nobody sees, or that
are none; without tabs and newlines.
"""
_UNSEEN_IN_TEXT = re.compile(f"[{_UNSEEN}]")
_UNSEEN_IN_LINE = re.compile(f"[{_UNSEEN}\t\n]")
_INSIDE_LETTERS = bytes(range(0x80, 0xC0))
"""The bytes of UTF-8 with which no letter begins."""


def tail_lines(output: bytes) -> tuple[str, ...]:
    """The last lines of some output without escape sequences, whatever its bytes are: at most
    `LINES` that are not empty, of at most `LINE_CHARACTERS` each, from its last `TAIL_BYTES`.

    What was cut has an ellipsis in its place.
    """
    end = output[-TAIL_BYTES:]
    if len(end) < len(output):
        end = "…".encode() + end.lstrip(_INSIDE_LETTERS)
    text = _ESCAPES.sub("", _ERASED.sub("\0", end.decode(errors="replace")))
    lines = (_CONTROL.sub("", _seen(line)).rstrip() for line in text.split("\n"))
    return tuple([shortened(line, LINE_CHARACTERS) for line in lines if line][-LINES:])


def _seen(line: str) -> str:
    """What a terminal still shows of a line whose beginning was written over, as progress bars do.

    Each piece after a carriage return hides as much of those before it as it is long, and all of
    it where it erases the rest of its line.
    """
    shown = ""
    for piece in reversed(line.split("\r")):
        shown += piece[len(shown) :]
        if "\0" in piece:
            break
    return shown


def shortened(text: str, characters: int = MESSAGE_CHARACTERS) -> str:
    """A text of at most so many *characters*: of a longer one its beginning and its end."""
    if len(text) <= characters:
        return text
    half = (characters - len(" … ")) // 2
    return f"{text[:half]} … {text[-half:]}"


def visible(text: str) -> str:
    r"""A text in which what would not be seen as itself is written out, such as `\x1b` and
    `\u202e`; tabs and newlines stay.
    """
    return _UNSEEN_IN_TEXT.sub(_written_out, text)


def visible_line(text: str) -> str:
    """As `visible`, on one line: tabs and newlines are written out, too."""
    return _UNSEEN_IN_LINE.sub(_written_out, text)


def visible_json(text: str) -> str:
    """JSON that means the same, and in which nothing is that would not be seen as itself."""
    return _UNSEEN_IN_TEXT.sub(lambda found: json.dumps(found[0])[1:-1], text)


def _written_out(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
