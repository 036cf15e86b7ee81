"""The texts that stand below an instruction of a Dockerfile (heredocs), as BuildKit knows them."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

INSTRUCTIONS = frozenset({"RUN", "COPY", "ADD"})
_WORD = r"""(?:[^\s"'\\]|\\.?|"(?:[^"\\]|\\.)*+"|'[^']*+')++"""
_WORDS = re.compile(_WORD)
_CLOSED = re.compile(rf"\s*+(?:{_WORD}\s*+)*+")
_HEREDOC = re.compile(r"\d*+<<(-?)([^<]++)")


@dataclass(frozen=True)
class Heredoc:
    """A text that goes to the line that has but its name."""

    name: str
    tabs: bool
    """Whether tabs may stand before it."""

    def ends(self, line: str) -> bool:
        """Whether the text ends with that line."""
        return (line.lstrip("\t") if self.tabs else line) == self.name


def heredocs(instruction: str) -> Iterator[Heredoc]:
    """Those whose texts follow an instruction, one below the other."""
    word, *others = instruction.split(maxsplit=2)
    word = others[0] if others and word.upper() == "ONBUILD" else word
    if word.upper() not in INSTRUCTIONS or "<<" not in instruction:
        return
    if not _CLOSED.fullmatch(instruction):  # a quote has no end: BuildKit finds no words at all
        return
    for found in map(_HEREDOC.fullmatch, _WORDS.findall(instruction)):
        names = shlex.split(found[2]) if found else ()
        if found and len(names) == 1:
            yield Heredoc(names[0], tabs=bool(found[1]))
