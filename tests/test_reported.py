"""What users have reported of programs like this one: each case is held by a test that names it."""

import re
from pathlib import Path

import pytest
import yaml

TESTS = Path(__file__).parent
CASES = yaml.safe_load((TESTS / "data" / "reported.yaml").read_text())
MARK = re.compile(r"^@pytest\.mark\.reported\((.+)\)$", re.MULTILINE)
HELD = {
    word.strip('" ')
    for folder in (TESTS, *TESTS.parent.glob("plugins/*/tests"))
    for file in folder.rglob("test_*.py")
    for words in MARK.findall(file.read_text())
    for word in words.split(",")
}
IDS = [case["id"] for case in CASES]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_reported_case_is_held_by_a_test(case: dict[str, object]) -> None:
    assert case["id"] in HELD


def test_each_case_that_a_test_names_is_reported() -> None:
    assert {*IDS} >= HELD
