"""Commands for people to copy: as a shell takes them, whatever others have put into a word, and
with no key in them that a terminal heeds. And what people write as one, split into its words.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from launchkit.plain_text import visible_line

LONGEST_LINE = 1 << 16
"""Characters that are split in a moment: one long word takes the square of its length."""
_PIECES = re.compile(r"\\+|'+|[^\\']+")
_PLAIN = re.compile(r"[\w@+:,./-][\w@%+=:,./-]*", re.ASCII)
"""What nothing quotes."""


def shell_command(*words: str | Path) -> str:
    """Words as one command, on one line."""
    return shell_join(words)


def shell_join(words: Iterable[str | Path]) -> str:
    """The same of any words."""
    return " ".join(map(shell_word, words))


def shell_argument(name: str) -> str:
    """A name that may be any text, as the last words of a command of launchkit, of which it becomes
    no option.
    """
    return f"{'-- ' if name.startswith('-') else ''}{shell_word(name)}"


def shell_word(word: str | Path) -> str:
    r"""A word as a POSIX shell takes it, zsh, which looks for `=program`, and fish, for which a
    backslash between quotes may be none. One with a character that nobody sees as itself, such as a
    newline, is written as `$'…'` with the bytes of that character, such as `\012`, which fish
    refuses. A path is an option of no program.
    """
    text = str(word)
    if isinstance(word, Path) and text.startswith("-"):
        text = f"./{text}"
    if all(map(_is_seen, text)):
        return "".join(map(_quoted, _PIECES.findall(text))) or "''"
    return f"$'{''.join(map(_escaped, text))}'"


def split_line(text: str) -> list[str]:
    """The words of a line, as a shell splits it.

    :raises ValueError: if it is none, or too long.
    """
    from shlex import split

    if len(text) > LONGEST_LINE:
        raise ValueError(f"a line has at most {LONGEST_LINE} characters; write a list")
    return split(text)


def _quoted(piece: str) -> str:
    if piece.startswith("\\"):
        return 2 * piece
    if piece.startswith("'"):
        return f'"{piece}"'
    return piece if _PLAIN.fullmatch(piece) else f"'{piece}'"


def _is_seen(letter: str) -> bool:
    return letter.isprintable() and visible_line(letter) == letter


def _escaped(letter: str) -> str:
    if _is_seen(letter) and letter not in "'\\!":
        return letter
    return "".join(f"\\{byte:03o}" for byte in _bytes_of(letter))


def _bytes_of(letter: str) -> bytes:
    """Also of what stands for a byte of a file's name that is no text."""
    is_byte = "\udc80" <= letter <= "\udcff"
    return letter.encode("utf-8", "surrogateescape" if is_byte else "replace")
