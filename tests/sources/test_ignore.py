"""Our reading of ignore files against git's own."""

import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sources.trees import surveyed

from launchkit.code.ignore import parse_rules

FILES = ["a", "b.py", "x/a", "x/b.py", "x/y/a", "x/y/c.log", "y/x/a", "y/é z", "#q", "a]"]

LINES = [
    "a", "/a", "x/", "!x/", "x", "!x", "/x/*", "!/x/y", "*.py", "!*.py", "**/a", "x/**", "!x/y/",
    "x/**/a", "/*", "!/x", "**", "!**/", "*/", "!*/", "[ab]", "[!a]", "[^a].py", "[[:alpha:]]",
    "[a-c]*", "a\\ ", "a ", "\\#q", "#q", "!", "/", "", "?", "y/x", "**/y/**", "[", "a\\", "a]",
    "[]a]", "x**a", "x/*/a", "*x*", "y/é z", "b\\.py", "***", "x/***", "/**/a", "[b-a]", "[[:no:]]",
    "x[/]a", "x[!b]a", "x[.-0]a", "x[[:punct:]]a", "[[:punct:]]q", "[+-z]q", "[!-~]",
    "[/-/]", "[/]",
]  # fmt: skip


def git_takes(root: Path) -> set[str]:
    """The files that git would add."""
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    listing = ["git", "ls-files", "-z", "--others", "--exclude-per-directory=.gitignore"]
    out = subprocess.run(listing, cwd=root, check=True, capture_output=True).stdout
    return {name for name in out.decode().split("\0") if name}


def we_take(root: Path) -> set[str]:
    return {entry.path for entry in surveyed(root) if (root / entry.path).is_file()}


def plant(root: Path, ignore_files: dict[str, list[str]]) -> None:
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "kept").write_text("so that there is something to pack")
    for directory, lines in ignore_files.items():
        (root / directory / ".gitignore").write_text("\n".join([*lines, "!/kept", "!.gitignore"]))


rules = st.lists(st.sampled_from(LINES), max_size=4)


@settings(max_examples=60)
@given(top=rules, below=rules, deep=rules)
def test_what_is_packed_is_what_git_would_add(
    top: list[str], below: list[str], deep: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        plant(root, {"": top, "x": below, "x/y": deep})
        assert we_take(root) == git_takes(root)


@pytest.mark.parametrize("line", LINES)
def test_each_pattern_means_what_it_means_to_git(line: str, tmp_path: Path) -> None:
    plant(tmp_path, {"": [line]})
    assert we_take(tmp_path) == git_takes(tmp_path)


@pytest.mark.parametrize("text", ["# only a comment", "", "\ufeff", "  \n\n"])
def test_a_file_without_patterns_has_no_opinion(text: str) -> None:
    assert parse_rules(text, "").verdict("a", is_directory=False) is None


def test_line_ends_of_windows_and_a_byte_order_mark_are_no_part_of_a_pattern() -> None:
    rules = parse_rules("\ufeffa\r\nb\r\n", "")
    assert rules.verdict("a", is_directory=False)
    assert rules.verdict("b", is_directory=False)
