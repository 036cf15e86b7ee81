"""One run of a suite on one mutant, in a process of its own, until a test fails."""

import json
import os
import re
from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path

import pytest

from launchkit.testing.contracts.deadline import PROMISED

HERE = Path(__file__).parent
STEM = 5
"""Letters that words of one meaning share, such as `cancel` and `cancelled`."""


class LikelyFirst:
    """Runs first the tests whose names are most like a defect's, and notes what failed first."""

    def __init__(self, defect: str, report: Path) -> None:
        self.words = stems(defect)
        self.report = report

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: -len(self.words & stems(item.name)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.report.exists():  # what comes later may be of its own making
            crash = getattr(report.longrepr, "reprcrash", None)
            message = crash.message if crash else report.longreprtext
            test = report.nodeid.rpartition("::")[2]
            said, *notes = message.strip().splitlines() or [""]
            notes = [note for note in notes if PROMISED in note]
            self.report.write_text(json.dumps([test, "; ".join([said, *notes[:1]])]))


def stems(text: str) -> frozenset[str]:
    """The beginnings of its words, without short ones."""
    return frozenset(word[:STEM] for word in re.findall("[a-z]{3,}", text.lower()))


def run(seam: str, defect: str, place: Path) -> None:
    """Run it at *place*, a directory that goes: whatever is written to the current directory
    stays there. Ends this process with pytest's exit code.
    """
    os.setsid()
    _say_to(place / "said")
    os.environ["LAUNCHKIT_MUTANT"] = f"{seam}: {defect}"
    options: Sequence[str] = ("-x", "-q", "-p", "no:cacheprovider", "--tb=short")
    where = (f"--rootdir={HERE.parents[1]}", f"--config-file={HERE.parents[1]}/pyproject.toml")
    plugin = LikelyFirst(defect, place / "report")
    with chdir(place):
        code = pytest.main(
            [*options, *where, f"--basetemp={place}/tests", str(HERE / "mutated.py")], [plugin]
        )
        os._exit(code)  # what the mutant left running is not waited for


def _say_to(file: Path) -> None:
    out = os.open(file, os.O_WRONLY | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(out, stream)
    os.close(out)
