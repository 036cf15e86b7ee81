"""Changes between texts, and what they are compared with."""

import re
import subprocess
from pathlib import Path

import pytest

import launchkit
from launchkit.line_changes import MOST_LINES, line_changes

MANY = [f"line {number}" for number in range(MOST_LINES)]


def test_changes_are_told_with_the_lines_around_them() -> None:
    told = line_changes(["a", "b", "c"], ["a", "B", "c"], "old", "new")
    assert [*told] == ["--- old", "+++ new", "@@ -1,3 +1,3 @@", " a", "-b", "+B", " c"]


@pytest.mark.parametrize(
    "new",
    [
        [*MANY[:10], "other", *MANY[20:]],
        [*MANY[:10], *MANY[20:]],
        [*MANY[:10], "more", *MANY[10:]],
        ["first", *MANY],
        [*MANY, "last"],
        [*MANY, *MANY],
        MANY[::-1],
        [],
        MANY,
    ],
)
def test_changes_of_long_texts_are_what_patch_makes_the_new_one_of(
    new: list[str], tmp_path: Path
) -> None:
    told = [*line_changes(MANY, new, "old", "new")]
    assert (not told) is (new == MANY)
    file = tmp_path / "text"
    file.write_text("".join(f"{line}\n" for line in MANY))
    given = "".join(f"{line}\n" for line in told)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    if told:
        words = ["git", "apply", "--unidiff-zero", "-p0"]
        given = given.replace("--- old", "--- text", 1).replace("+++ new", "+++ text", 1)
        subprocess.run(words, cwd=tmp_path, input=given, text=True, check=True)
    assert file.read_text().splitlines() == new


def test_long_texts_are_not_compared_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("too much is compared")

    monkeypatch.setattr("difflib.SequenceMatcher.find_longest_match", refuse)
    assert len([*line_changes(MANY, MANY[::-1])]) > MOST_LINES


def test_words_and_lines_are_compared_where_they_are_bounded_alone() -> None:
    source = Path(launchkit.__file__).parent
    files = [*source.rglob("*.py"), *source.parent.glob("plugins/*/launchkit_*/**/*.py")]
    named = {file.name for file in files if re.search(r"\bdifflib\b", file.read_text())}
    assert named == {"codec.py", "line_changes.py"}
