"""The page on security promises what tests prove."""

import re
from collections import Counter
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "security.md"
TESTS_OF_PROMISES = yaml.safe_load((Path(__file__).parent / "promises.yaml").read_text())


def test_each_promise_names_tests_that_there_are() -> None:
    promises = PAGE.read_text().partition("\n## What is promised\n")[2].partition("\n## ")[0]
    titles = re.findall(r"^\* \*\*(.+?)\.\*\* ", promises, re.MULTILINE)
    assert len(titles) == promises.count("\n* ") > 10
    assert Counter(titles) == Counter(dict.fromkeys(TESTS_OF_PROMISES, 1))
    assert [promise for promise, tests in TESTS_OF_PROMISES.items() if not tests] == []
    places = [*ROOT.glob("tests/**/test_*.py"), *ROOT.glob("plugins/*/tests/**/test_*.py")]
    places += ROOT.glob("launchkit/testing/contracts/**/*.py")
    there = {
        name
        for path in places
        for name in re.findall(r"^ *(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    assert {test for tests in TESTS_OF_PROMISES.values() for test in tests} - there == set()


def test_who_finds_a_fault_is_told_where_to_report_it() -> None:
    assert "SECURITY.md" in PAGE.read_text()
    assert "Report a fault" in (ROOT / "SECURITY.md").read_text()
