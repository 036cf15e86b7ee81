"""YAML and JSON that people write: what is too much is refused with its line, before it is made."""

from pathlib import Path

import pytest

from launchkit.codec import MAX_DEPTH
from launchkit.document import parse_document, parse_documents, read_document, require_mapping
from launchkit.errors import ConfigError
from launchkit.yaml_bounds import MOST_CHARACTERS, MOST_VALUES

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)

SIXTIES = ":".join(["59"] * 2000)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LAUGHS, rf"^f:[456]: has more than {MOST_VALUES} values"),
        (
            "a: &a\n  b: *a\n",
            r"^f:2: what begins with \* stands for something",
        ),
        ("a: *b\n", r"^f:1: what begins with \* stands for"),
        ("[" * 1000, rf"^f:1: is nested too deep: {MAX_DEPTH} levels"),
        ("x: 1\ny: " + "{a: " * 300, rf"^f:2: is nested too deep: {MAX_DEPTH} levels"),
        ("\n".join(" " * n + "a:" for n in range(300)), r"^f:\d+: is nested too deep"),
        ("- " * 5000, r"^f:1: is nested too deep"),
        ("a: 1\nb: x\0y\n", r"^f:2: not valid YAML: it may not hold '\\x00'"),
        ("a: \x07\n", r"^f:1: not valid YAML: it may not hold"),
        (f"a: {'9' * 5000}\n", r"^f:1: .*a number of 5000 digits; put it into quotes"),
        *(
            (f"b: 1\na: {number}\n", r"^f:2: .*a number of \d+ digits; put it into quotes")
            for number in (
                f"!!int '1:{SIXTIES}'",
                f"!!float '1:{SIXTIES}.5'",
                f"!<tag:yaml.org,2002:int> '1:{SIXTIES}'",
                f"!!int {{=: '1:{SIXTIES}'}}",
                f"!!int '0x{'f' * 5000}'",
                f"{{? !!int '1:{SIXTIES}' : b}}",
            )
        ),
        (f"a: &a {'x' * 500}\nb: [{'*a, ' * 5000}]", r"^f:2: has more than \d+ characters, with"),
        (f"%TAG !e! tag:{'x' * 500}\n--- [{'!e!x y, ' * 5000}]", r"^f:2: has more than \d+ char"),
        ("x" * (MOST_CHARACTERS + 1), rf"^f: has more than {MOST_CHARACTERS} characters"),
        ("- 1\n" * (2 * MOST_VALUES), rf"^f:{MOST_VALUES}: has more than {MOST_VALUES} values"),
    ],
)
def test_what_is_too_much_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_document(text, "f")


@pytest.mark.parametrize("value", [".nan", ".inf", "-.inf", "1.0e+999"])
def test_a_number_that_would_become_null_is_refused_with_its_line(value: str) -> None:
    with pytest.raises(ConfigError, match=r"^f:2: a\.b\[0\]: must be a finite number") as caught:
        require_mapping(parse_document(f"a:\n  b: [{value}]", "f"))
    assert "quotes" in str(caught.value.hint)


@pytest.mark.parametrize("digits", [90, 98])
def test_a_number_of_few_signs_and_many_digits_is_refused_with_its_line(digits: int) -> None:
    with pytest.raises(ConfigError, match=r"^f:2: a\.b: must be a number of at most 100 digits"):
        require_mapping(parse_document(f"a:\n  b: 0x{'f' * digits}", "f"))


@pytest.mark.parametrize("text", ["a: 1\nbcd: [1", "a: 1\nbcd: [1\n", "a: 1\nbcd: [1\n\n"])
def test_what_is_missed_at_the_end_is_missed_where_the_text_ends(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^f:2: not valid YAML: .* \(column 8\)$"):
        parse_document(text, "f")


@pytest.mark.parametrize("value", ["!!int ''", "!!float x", "!!timestamp x", "!!bool maybe"])
def test_a_value_that_does_not_fit_its_tag_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match=r"^f.*: not valid YAML: "):
        parse_document(f"a: {value}", "f")


@pytest.mark.parametrize("deep", ["[" * 100_000, '{"a":' * 100_000, "\t[" * 1000])
def test_json_that_is_nested_without_end_is_refused(deep: str) -> None:
    with pytest.raises(ConfigError):
        parse_document(deep, "f")


def test_aliases_and_merged_keys_stand_for_what_they_name() -> None:
    text = "base: &b {a: 1, list: &l [1, 2]}\nmore: {<<: *b, c: *l}\n"
    found = parse_document(text, "f").data
    assert found == {
        "base": {"a": 1, "list": [1, 2]},
        "more": {"a": 1, "list": [1, 2], "c": [1, 2]},
    }


def test_an_anchor_holds_for_its_document_only() -> None:
    with pytest.raises(ConfigError, match=r"^f:3: "):
        parse_documents("a: &a 1\n---\nb: *a\n", "f")


def test_long_text_that_is_no_number_stays_text() -> None:
    digest = "0123456789abcdef" * 20
    assert parse_document(f"a: {digest}\nb: '{'9' * 500}'\nc: 1:{SIXTIES}\n", "f").data == {
        "a": digest,
        "b": "9" * 500,
        "c": f"1:{SIXTIES}",
    }


def test_a_file_without_end_is_not_read_to_it(tmp_path: Path) -> None:
    with (tmp_path / "f.yaml").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ConfigError, match=r"f\.yaml: has more than"):
        read_document(tmp_path / "f.yaml")


@pytest.mark.parametrize(
    "text",
    ["a: *hush", "a: !hush x", "a: !hush!x y", "a: !hush's x", "a: !!int hush", "a: !!float hush"],
)
def test_a_fault_in_yaml_is_told_without_the_value(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_document(text, "f")
    assert "hush" not in caught.value.message
    assert caught.value.message.startswith("f:1: ")
