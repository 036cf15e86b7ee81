"""The rules of `.gitignore` files: which paths of a code directory are left out.

Written down in gitignore(5). A path is asked about one level at a time, from the top, and nothing
below an ignored directory is asked about: so a rule never has to match through a parent.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from launchkit.code.globs import Piece, Wild, linear

CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": " \\t",
    "digit": "0-9",
    "lower": "a-z",
    "punct": re.escape("!\"#$%&'()*+,-.:;<=>?@[\\]^_`{|}~"),
    "space": "\\s",
    "upper": "A-Z",
    "xdigit": "0-9a-fA-F",
}

BEFORE_SLASH, BEHIND_SLASH = ".", "0"
"""No bracket matches a slash, whatever stands in it."""
NOTHING = r"^\s\S"

_BRACKET = re.compile(r"\[([!^]?)(\]?(?:\[:[a-z]+:\]|\\.|[^\]\\])*)\]", re.DOTALL)
_MEMBER = re.compile(r"\[:([a-z]+):\]|(\\.|.)(?:-(\\.|.))?", re.DOTALL)
_STARS = re.compile(r"\*+")


@dataclass(frozen=True)
class Rule:
    """One line of an ignore file."""

    regex: re.Pattern[str]
    ignores: bool
    """False for a line that begins with `!`."""
    only_directories: bool
    by_name: bool
    """True: the pattern has no slash and looks at the last part of a path only."""


@dataclass(frozen=True)
class RuleFile:
    """The rules of one file, and the directory that they hold for: "" or one such as `a/b/`."""

    base: str
    rules: tuple[Rule, ...]

    def verdict(self, path: str, *, is_directory: bool) -> bool | None:
        """Whether *path* (from the root) is ignored; None if no rule speaks of it."""
        below = path.removeprefix(self.base)
        name = path.rpartition("/")[2]
        for rule in reversed(self.rules):
            if rule.only_directories and not is_directory:
                continue
            if rule.regex.fullmatch(name if rule.by_name else below):
                return rule.ignores
        return None


def parse_rules(text: str, base: str) -> RuleFile:
    """Read an ignore file that stands in the directory *base*."""
    lines = text.removeprefix("\ufeff").split("\n")
    rules = (_rule(line.removesuffix("\r")) for line in lines)
    return RuleFile(base, tuple(rule for rule in rules if rule))


def is_ignored(files: Sequence[RuleFile], path: str, *, is_directory: bool) -> bool | None:
    """What the deepest file says that says anything; *files* go from the root downwards."""
    for file in reversed(files):
        verdict = file.verdict(path, is_directory=is_directory)
        if verdict is not None:
            return verdict
    return None


def _rule(line: str) -> Rule | None:
    line = _without_trailing_spaces(line)
    if line.startswith("#"):
        return None
    pattern = line.removeprefix("!")
    body = pattern.removesuffix("/")
    try:
        regex = re.compile(linear([*_translate(body.removeprefix("/"))], rest=".+"), re.DOTALL)
    except (ValueError, re.error):  # git matches nothing with a malformed pattern either
        return None
    if not body:
        return None
    return Rule(regex, pattern is line, body is not pattern, "/" not in body)


def _without_trailing_spaces(line: str) -> str:
    kept = line.rstrip(" ")
    backslashes = len(kept) - len(kept.rstrip("\\"))
    return kept + " " if kept != line and backslashes % 2 else kept


def _translate(pattern: str) -> Iterator[Piece]:
    at = 0
    while at < len(pattern):
        piece, at = _piece(pattern, at)
        yield piece


def _piece(pattern: str, at: int) -> tuple[Piece, int]:
    """What stands at *at*, and where the next piece begins."""
    char = pattern[at]
    if char == "*":
        return _stars(pattern, at)
    if char == "?":
        return "[^/]", at + 1
    if char == "[":
        return _bracket(pattern, at)
    if char == "\\":
        if at + 1 == len(pattern):
            raise ValueError("a backslash at the end")
        return re.escape(pattern[at + 1]), at + 2
    return re.escape(char), at + 1


def _stars(pattern: str, at: int) -> tuple[Piece, int]:
    end = at + len(_STARS.match(pattern, at)[0])  # type: ignore[index] # a star stands at *at*
    opened = at == 0 or pattern[at - 1] == "/"
    if end - at == 1 or not opened or pattern[end : end + 1] not in {"", "/"}:
        return Wild.STAR, end
    return (Wild.REST, end) if end == len(pattern) else (Wild.FOLDERS, end + 1)


def _bracket(pattern: str, at: int) -> tuple[str, int]:
    found = _BRACKET.match(pattern, at)
    if not found:
        raise ValueError("an open bracket")
    members = "".join(_member(*member.groups()) for member in _MEMBER.finditer(found[2]))
    return (f"[^/{members}]" if found[1] else f"[{members or NOTHING}]"), found.end()


def _member(name: str | None, first: str, last: str | None) -> str:
    if name is not None:
        if name not in CLASSES:
            raise ValueError(f"unknown class {name}")
        return CLASSES[name]
    start = first[-1]
    end = start if last is None else max(start, last[-1])  # git matches the first of an empty range
    parts = [(start, min(end, BEFORE_SLASH)), (max(start, BEHIND_SLASH), end)]
    return "".join(
        f"{re.escape(first)}-{re.escape(last)}" for first, last in parts if first <= last
    )
