"""What is seen in texts that others read as data."""

from itertools import product

import pytest

from launchkit.errors import ConfigError
from launchkit.model import Secret
from launchkit.written import literal, may_be_data, structures, unescaped, with_literals


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (r'{"host\u0050ath": {"path": "\/"}}', [{"hostPath": {"path": "/"}}]),
        ('{\t"a":\t[1, 2.5]}', [{"a": ["1", "2.5"]}]),
        ("a: 1:59\n---\n- b", [{"a": "1:59"}, ["b"]]),
        ("? a\n: !x {b: c}", [{"a": {"b": "c"}}]),
        ("? [a, b]\n: c", [{"['a', 'b']": "c"}]),
        ("x: &x hostPath\n*x : b", [{"x": "hostPath", "hostPath": "b"}]),
        ('{"a":"b"}\ud800', [{"a": "b"}]),
        ("a: \ud800", [{"a": "\ufffd"}]),
        ("a plain text", []),
        ("a: b: c", []),
        ('"a: b"', []),
    ],
)
def test_a_text_that_is_json_or_yaml_is_data(text: str, data: list[object]) -> None:
    assert [*structures(text)] == data


@pytest.mark.parametrize(
    "text", ["[1]", "\ufeff{a: b}", "a:\u2028 b", "%YAML 1.1\n--- {}", "- a", "? a", "a:\tb", "x:"]
)
def test_whatever_is_data_may_be_data(text: str) -> None:
    assert [*structures(text)]
    assert may_be_data(text)


@pytest.mark.parametrize(
    "text", ["registry:5000/image:1", "https://h/p?a=[b]", "${run_id}", "x[0]{1}", "a-b", "what?"]
)
def test_words_with_signs_of_data_in_them_are_none(text: str) -> None:
    assert not may_be_data(text)
    assert [*structures(text)] == []


@pytest.mark.parametrize("text", ["[" * 100_000, "[" + "a," * 20_000 + "]"])
def test_what_is_too_much_to_be_looked_at_is_told(text: str) -> None:
    with pytest.raises(ConfigError):
        [*structures(text)]


def test_escapes_are_undone() -> None:
    assert unescaped(r"host\u0050\x61\U00000074h\/ \UFFFFFFFF") == r"hostPath/ \UFFFFFFFF"


def expanded(text: str) -> str:
    """What Kubernetes makes of a text, all of whose variables are `!`: see `Expand` in its
    third_party/forked/golang/expansion.
    """
    made, at = "", 0
    while at < len(text):
        if text[at] != "$" or at + 1 == len(text):
            made, at = made + text[at], at + 1
        elif text[at + 1] == "$":
            made, at = made + "$", at + 2
        elif text[at + 1] == "(" and ")" in text[at + 2 :]:
            made, at = made + "!", text.index(")", at + 2) + 1
        else:
            made, at = made + text[at : at + 2], at + 2
    return made


@pytest.mark.parametrize("length", range(7))
def test_a_literal_text_is_what_it_was_when_variables_were_put_in(length: int) -> None:
    for letters in product("$()A", repeat=length):
        text = "".join(letters)
        assert expanded(literal(text)) == text
    assert expanded("$(A)") == "!"


def test_nothing_is_put_into_a_part_that_is_to_be_literal_whatever_stands_beside_it() -> None:
    """Nor into what becomes a reference by it alone."""
    words = ["".join(one) for length in range(4) for one in product("$()", repeat=length)]
    for before, literal_one, behind in product(words, words, words):
        made = with_literals([(before, False), (literal_one, True), (behind, False)])
        assert expanded(made) == expanded(before) + literal_one + expanded(behind)
    assert expanded("a$(A)") == "a!"


def test_what_two_parts_beside_each_other_become_is_put_in() -> None:
    assert with_literals([("$", False), ("(A)", False), ("$(B)", True)]) == "$(A)$$(B)"


def test_a_text_of_parts_that_nothing_would_be_put_into_is_left() -> None:
    assert with_literals([("$A {", False), ("$", True), ("}", False)]) == "$A {$}"


def test_a_text_that_nothing_would_be_put_into_is_left() -> None:
    assert literal("$HOME ${A} (b) $") == "$HOME ${A} (b) $"


def test_a_secret_stays_one() -> None:
    assert isinstance(literal(Secret("$(A)")), Secret)


@pytest.mark.parametrize("fault", ["---\n{", "...\n%"])
def test_a_fault_in_a_later_document_conceals_none_before_it(fault: str) -> None:
    text = f'? "hostN\\\n  etwork"\n: true\n{fault}'
    assert [*structures(text)] == [{"hostNetwork": "true"}]
