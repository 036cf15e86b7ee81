"""Files of others and patterns of others: how long they may be compared, all together."""

import time
from functools import partial
from pathlib import Path

import pytest
from sources.trees import surveyed

from launchkit.code.globs import Comparisons
from launchkit.errors import Rejected
from launchkit.images.context import list_context

MOST = "launchkit.code.globs.MOST_SECONDS"
LONGEST = 0.02


def busy(seconds: float) -> str:
    """Uses a processor for so long."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass
    return "done"


def test_as_long_as_comparisons_take_they_use_up_what_all_have_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(MOST, 5 * LONGEST)
    left = Comparisons()
    assert left.of("a", partial(busy, LONGEST)) == "done"
    assert left.of("b", partial(busy, 4 * LONGEST)) == "done"
    with pytest.raises(Rejected, match=r"^c: there are more files .* in 0.1 seconds"):
        left.of("c", pytest.fail)


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
    assert [entry.path for entry in listed()] == [name]
    monkeypatch.setattr(MOST, 0.0)
    with pytest.raises(Rejected, match=r"a[12][0-9]: there are more files"):
        listed()
