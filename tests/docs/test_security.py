"""The page on security promises what tests prove."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "security.md"


def test_each_promise_names_tests_that_there_are() -> None:
    promises = PAGE.read_text().partition("\n## What is promised\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:3] for line in promises.splitlines() if line.startswith("| ")][1:]
    places = [*ROOT.glob("tests/**/test_*.py"), *ROOT.glob("plugins/*/tests/**/test_*.py")]
    places += ROOT.glob("launchkit/testing/contracts/**/*.py")
    there = {
        name
        for path in places
        for name in re.findall(r"^ *(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    named = {promise.strip(): re.findall(r"`(test_\w+)`", tests) for promise, tests in rows}
    assert len(named) > 10
    assert [promise for promise, tests in named.items() if not tests] == []
    assert {test for tests in named.values() for test in tests} - there == set()


def test_who_finds_a_fault_is_told_where_to_report_it() -> None:
    assert "SECURITY.md" in PAGE.read_text()
    assert "Report a fault" in (ROOT / "SECURITY.md").read_text()
