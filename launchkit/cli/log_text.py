"""Output of a run for a terminal: its text and its colours, and nothing that does more there."""

import codecs
import re
from collections.abc import Mapping, Sequence

from launchkit.cli.door import RESET
from launchkit.plain_text import visible

_LOOK = (
    r"(?:0*[0-79]|2[1-9]|[34][0-79]|5[359]|9[0-7]|10[0-7]|4:[0-5]"
    r"|[34]8(?:;5;[0-9]{1,3}|;2(?:;[0-9]{1,3}){3}|(?::[0-9]{0,3}){1,6})"
    r"|58(?::[0-9]{0,3}){1,6})?"
)
_COLOUR = re.compile(rf"(\x1b\[{_LOOK}(?:;{_LOOK}){{0,15}}m)")
"""What ECMA-48 calls a graphic rendition, of no more parameters than anybody needs; not the one
that conceals a text, and none of which terminals might think differently.
"""
_LINE_END = re.compile(r"\r*\n|\r+")
"""A line is begun anew where a program goes back to its begin, such as for a progress bar."""
_UNFINISHED = re.compile(r"\x1b(?:\[[0-9;:]{0,64})?\Z")
_LONGEST_UNFINISHED = 66
_ONE_LOOK = re.compile(r";([34]8;(?:5;[0-9]+|2;[0-9]+;[0-9]+;[0-9]+)|[0-9:]*)")
_NORMAL = ("22", "23", "24", "4:0", "25", "27", "29", "39", "49", "55", "59")
_KINDS = (
    (1, 2, 22),
    (3, 23),
    (4, 21, 24),
    (5, 6, 25),
    (7, 27),
    (9, 29),
    (*range(30, 40), *range(90, 98)),
    (*range(40, 50), *range(100, 108)),
    (53, 55),
    (58, 59),
)
"""The looks of which one takes the place of another."""
_KIND_OF = {code: kind for kind, codes in enumerate(_KINDS) for code in codes}


class LogText:
    """Takes output as it comes, cut anywhere, and gives what a terminal may be shown of it. Each
    piece leaves the terminal without colours, for nobody may come back to end them: each begins
    with those that are on.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._kept = ""
        self._on: dict[int, str] = {}

    def feed(self, data: bytes) -> str:
        """What can be shown now; the begin of a character or a colour waits for its end, and of
        carriage returns, of which a run may print any number, one waits for what follows them.
        """
        text = self._kept + self._decoder.decode(data)
        whole = text.rstrip("\r")
        if whole != text:
            self._kept = "\r"
            return self._shown(whole)
        unfinished = _UNFINISHED.search(text, max(0, len(text) - _LONGEST_UNFINISHED))
        end = unfinished.start() if unfinished else len(text)
        self._kept = text[end:]
        return self._shown(text[:end])

    def end(self) -> str:
        """What is left."""
        return self._shown(self._kept + self._decoder.decode(b"", final=True))

    def _shown(self, text: str) -> str:
        if not text:
            return ""
        lines = _LINE_END.sub("\n", text) if "\r" in text else text
        parts = _COLOUR.split(lines) if "m" in lines else [lines]
        begin = "".join(f"\x1b[{look}m" for look in self._on.values())
        self._on = _on_after(self._on, parts[1::2])
        shown = "".join(part if at % 2 else visible(part) for at, part in enumerate(parts))
        return f"{begin}{shown}{RESET}" if begin or len(parts) > 1 else shown


def _on_after(before: Mapping[int, str], colours: Sequence[str]) -> dict[int, str]:
    """The looks that are on after some colours, one of each kind."""
    latest = reversed(dict.fromkeys(reversed(colours)))
    looks = _ONE_LOOK.findall("".join(latest).replace("\x1b[", ";").replace("m", ""))
    last: dict[int, str] = {}
    for written in dict.fromkeys(reversed(looks)):
        look = written.lstrip("0")
        if not look:
            break
        kind = _KIND_OF.get(int(look.replace(":", ";").partition(";")[0]))
        if kind is not None:
            last.setdefault(kind, look)
    else:
        last = {**before, **last}
    return {kind: look for kind, look in last.items() if look not in _NORMAL}
