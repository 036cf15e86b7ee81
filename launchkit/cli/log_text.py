"""Output of a run for a terminal: its text and its colours, and nothing that does more there."""

import codecs
import re

from launchkit.cli.door import RESET
from launchkit.plain_text import visible

_LOOK = (
    r"(?:0*[0-79]|2[1-9]|[34][0-79]|5[359]|9[0-7]|10[0-7]|4:[0-5]"
    r"|[345]8(?:;5;[0-9]{1,3}|;2(?:;[0-9]{1,3}){3}|(?::[0-9]{0,3}){1,6}))?"
)
_COLOUR = re.compile(rf"(\x1b\[{_LOOK}(?:;{_LOOK}){{0,15}}m)")
"""What ECMA-48 calls a graphic rendition, of no more parameters than anybody needs; not the one
that conceals a text, and none of which terminals might think differently.
"""
_LINE_END = re.compile(r"\r*\n|\r+")
"""A line is begun anew where a program goes back to its begin, such as for a progress bar."""
_UNFINISHED = re.compile(r"(?:(?<!\r)\r++|\x1b(?:\[[0-9;:]{0,64})?)\Z")


class LogText:
    """Takes output as it comes, cut anywhere, and gives what a terminal may be shown of it."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._kept = ""
        self._coloured = False

    def feed(self, data: bytes) -> str:
        """What can be shown now; the begin of a character or a colour waits for its end."""
        text = self._kept + self._decoder.decode(data)
        unfinished = _UNFINISHED.search(text)
        self._kept = unfinished[0] if unfinished else ""
        return self._shown(text.removesuffix(self._kept))

    def end(self) -> str:
        """What is left, and the end of its colours."""
        text = self._shown(self._kept + self._decoder.decode(b"", final=True))
        return text + (RESET if self._coloured else "")

    def _shown(self, text: str) -> str:
        parts = _COLOUR.split(_LINE_END.sub("\n", text))
        self._coloured = self._coloured or len(parts) > 1
        return "".join(part if at % 2 else visible(part) for at, part in enumerate(parts))
