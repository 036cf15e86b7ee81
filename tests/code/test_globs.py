"""Patterns of ignore files: linear, and the same as those that are not."""

import re
import string
from itertools import product

import pytest

from launchkit.code.globs import Piece, Wild, linear
from launchkit.code.ignore import parse_rules
from launchkit.errors import Rejected
from launchkit.images.dockerignore import parse_dockerignore

PLAIN = {Wild.STAR: "[^/]*", Wild.FOLDERS: "(?:.+/)?", Wild.REST: ".*"}
NAMES = ["".join(chars) for size in range(1, 7) for chars in product("ab/", repeat=size)]
PATHS = [name for name in NAMES if "//" not in name and name[0] != "/" != name[-1]]


def plain(pieces: list[Piece]) -> str:
    """What backtracks: each wildcard as it is defined."""
    return "".join(PLAIN[piece] if isinstance(piece, Wild) else piece for piece in pieces)


def aligned(pieces: tuple[Piece, ...]) -> bool:
    """Whether each `**` stands where it may, and names are parted by one slash."""
    before: Piece = "/"
    for piece in pieces:
        begins = before in {"/", Wild.FOLDERS}
        if before is Wild.REST or (piece is Wild.FOLDERS and not begins):
            return False
        if piece == "/" and begins:
            return False
        before = piece
    return before != "/"


@pytest.mark.parametrize("size", range(1, 6))
def test_a_linear_pattern_matches_what_a_plain_one_matches(size: int) -> None:
    pieces: tuple[Piece, ...] = ("a", "b", "/", Wild.STAR, Wild.FOLDERS, Wild.REST)
    for pattern in filter(aligned, product(pieces, repeat=size)):
        wanted = re.compile(plain([*pattern]))
        found = re.compile(linear(pattern))
        for path in PATHS:
            assert bool(found.fullmatch(path)) == bool(wanted.fullmatch(path)), (pattern, path)


@pytest.mark.parametrize("size", range(1, 6))
def test_stars_in_dockerignore_mean_what_docker_makes_of_them(size: int) -> None:
    for chars in product("ab*/", repeat=size):
        pattern = "".join(chars)
        if "//" in pattern or pattern[0] == "/" or pattern[-1] == "/":
            continue
        (line,) = parse_dockerignore(pattern, "x").lines
        wanted = re.compile(docker(pattern))
        for path in PATHS:
            assert bool(line.regex.fullmatch(path)) == bool(wanted.fullmatch(path)), (pattern, path)


def docker(pattern: str) -> str:
    """The expression that Docker's own matcher makes of a pattern, or that means the same where it
    looks at the end of a path alone.
    """
    rest = pattern.removeprefix("**")
    if rest != pattern and "*" not in rest:
        return f"(.*/)?{rest[1:]}" if rest.startswith("/") else f".*{rest}"
    text, at = "", 0
    while at < len(pattern):
        if pattern.startswith("**", at):
            at += 3 if pattern.startswith("/", at + 2) else 2
            text += ".*" if at == len(pattern) else "(.*/)?"
        else:
            text += "[^/]*" if pattern[at] == "*" else pattern[at]
            at += 1
    return text


@pytest.mark.parametrize(
    "pattern",
    [
        "*a" * 13 + "b",
        "*" * 2000 + "b",
        "**/a/" * 400 + "b",
        "**/*a*a*a/" * 100 + "b",
        "/".join(["*a*a*a*b"] * 200),
        "?*" * 1000 + "b",
        "[a]*" * 1000 + "b",
    ],
)
def test_no_pattern_takes_long_over_any_path(pattern: str) -> None:
    rules = parse_rules(pattern, "")
    lines = parse_dockerignore(pattern, "x")
    for path in ("a" * 4096, "a/" * 2047 + "a", f"{'a' * 200}/" * 20 + "c", "aaab/" * 800 + "c"):
        assert rules.verdict(path, is_directory=False) is None
        assert not lines.ignores(lines.matches(path))


def test_stars_inside_names_have_an_end_in_dockerignore() -> None:
    with pytest.raises(Rejected, match=r"x:1: .* is not a pattern"):
        parse_dockerignore("a**" * 100 + "b", "x")


def test_a_set_of_characters_may_hold_any() -> None:
    for char in string.punctuation.replace("/", ""):
        (line,) = parse_dockerignore(rf"[x\{char}]y", "p").lines
        assert line.regex.fullmatch(f"{char}y")
        assert not line.regex.fullmatch("/y")
