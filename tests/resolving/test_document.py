"""YAML that people write: what is a number, and what stays a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchkit.cli.output import as_yaml
from launchkit.document import parse_document


@pytest.mark.reported("F5a")
@pytest.mark.parametrize("text", ["33:33", "22:22", "1:30:00", "12:30.5", "-1:59", "1_0:1"])
def test_numbers_with_colons_stay_texts(text: str) -> None:
    data = parse_document(f"user: {text}\nlist: [{text}]\n{text}: 1\n", "c.yaml").data
    assert data == {"user": text, "list": [text], text: 1}


@pytest.mark.parametrize(
    ("text", "value"), [("12", 12), ("0o17", "0o17"), ("1.5", 1.5), (".inf", float("inf"))]
)
def test_other_numbers_are_numbers(text: str, value: object) -> None:
    assert parse_document(f"a: {text}", "c.yaml").data == {"a": value}


@given(st.from_regex(r"[0-9]{1,3}(:[0-5]?[0-9]){1,2}", fullmatch=True))
def test_what_is_printed_is_read_as_the_same_text(text: str) -> None:
    assert parse_document(as_yaml({"a": text}), "c.yaml").data == {"a": text}


def test_a_tab_is_mended_without_cutting_a_text_at_other_line_ends() -> None:
    data = parse_document('a:\n\tb: "x\u2028y"\n', "c.yaml").data
    assert data == {"a": {"b": "x\u2028y"}}
