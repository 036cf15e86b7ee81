"""Files of others and patterns of others: how much they may be compared, all together."""

from functools import partial
from pathlib import Path

import pytest
from sources.trees import surveyed

from launchkit.code.globs import NAME, Comparisons, Count
from launchkit.errors import Rejected
from launchkit.images.context import list_context
from launchkit.images.dockerignore import parse_dockerignore

MOST = "launchkit.code.globs.MOST_CHARACTERS"


def test_what_is_compared_is_bounded_by_lines_and_files_and_what_they_look_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(MOST, 100 * NAME + 20 * 10)
    left = Comparisons()
    for _ in range(10):
        left.take(Count(of_names=10, of_paths=2), "a" * 10)
    left.take(Count(), "a" * 1000)
    with pytest.raises(Rejected, match=r"^b: there are more files"):
        left.take(Count(of_paths=1), "b")


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("a/*.py", Count(of_names=1)),
        ("**/a", Count(of_paths=1)),
        ("**.pt", Count(of_paths=1)),
        ("a**b**c", Count(of_paths=4)),
    ],
)
def test_a_line_counts_as_often_as_a_path_is_compared_with_it(line: str, count: Count) -> None:
    assert parse_dockerignore(f"{line}\n# none\n\n", "x").count == count


@pytest.mark.parametrize("name", [".gitignore", ".launchkitignore", ".dockerignore"])
def test_files_and_lines_that_are_too_many_together_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / name).write_text("a*\n**/b\n" * 50)
    for number in range(10, 30):
        (code / f"a{number}").touch()
    docker = name == ".dockerignore"
    listed = partial(list_context, code, None) if docker else partial(surveyed, code)
    monkeypatch.setattr(MOST, 30 * (52 * NAME + 52 * 20))
    assert [entry.path for entry in listed()] == [name]
    monkeypatch.setattr(MOST, 10 * (52 * NAME + 50 * 3))
    with pytest.raises(Rejected, match=r"a[12][0-9]: there are more files"):
        listed()
