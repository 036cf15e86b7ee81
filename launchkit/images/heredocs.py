"""The texts that stand below an instruction of a Dockerfile (heredocs), as BuildKit knows them."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

INSTRUCTIONS = frozenset({"RUN", "COPY", "ADD"})
_WORD = r"""(?:[^\s"'\\]|\\.?|"(?:[^"\\]|\\.)*+"|'[^']*+')++"""
_WORDS = re.compile(_WORD)
_CLOSED = re.compile(rf"\s*+(?:{_WORD}\s*+)*+")
_HEREDOC = re.compile(r"(?<!\d)\d*+<<(-?+)([^<]++)")
_APART = re.compile(r"(?<!\S)(\d*+<<-?+)[ \t]++(?=[^\s<])")
"""Newer versions of BuildKit let the name stand behind a space; for others its line is no
instruction, so they build nothing.
"""


@dataclass(frozen=True)
class Heredoc:
    """A text that goes to the line that has but its name."""

    name: str
    tabs: bool
    """Whether tabs may stand before it."""

    def ends(self, line: str) -> bool:
        """Whether the text ends with that line."""
        return (line.lstrip("\t") if self.tabs else line) == self.name


@dataclass(frozen=True)
class Ends:
    """Where each line of a Dockerfile stands last, as it is and without tabs before it."""

    lines: Mapping[str, int]
    bare: Mapping[str, int]

    @classmethod
    def of(cls, lines: Sequence[str]) -> "Ends":
        """Of all lines."""
        numbered = [*enumerate(lines, start=1)]
        return cls(
            {line: number for number, line in numbered},
            {line.lstrip("\t"): number for number, line in numbered},
        )

    def come(self, heredoc: Heredoc, number: int) -> bool:
        """Whether the text of one that line *number* names has an end: BuildKit builds nothing of
        a Dockerfile in which it has none, unless it takes that for no heredoc.
        """
        return (self.bare if heredoc.tabs else self.lines).get(heredoc.name, 0) > number


def heredocs(instruction: str) -> Iterator[Heredoc]:
    """Those whose texts follow an instruction, one below the other."""
    word, *others = instruction.split(maxsplit=2)
    word = others[0] if others and word.upper() == "ONBUILD" else word
    if word.upper() not in INSTRUCTIONS or "<<" not in instruction:
        return
    if not _CLOSED.fullmatch(instruction):  # a quote has no end: BuildKit finds no words at all
        return
    for found in map(_HEREDOC.fullmatch, _WORDS.findall(_APART.sub(r"\1", instruction))):
        names = shlex.split(found[2]) if found else ()
        if found and len(names) == 1:
            yield Heredoc(names[0], tabs=bool(found[1]))
