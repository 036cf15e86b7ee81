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
        ('{"a":"b"}\ud800', [{"a": "b"}, {"a/b": {"": ""}}]),
        ("a: \ud800", [{"a": "\ufffd"}]),
        ("a plain text", []),
        ("a: b: c", [{"a/b/c": {"": ""}}]),
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
    assert unescaped("host\\\\u0050a\\\n  th") == "hostPath"


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
    assert next(structures(text)) == {"hostNetwork": "true"}


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: &a 1\nb: &a 2\nc: *a", {"a": "1", "b": "2", "c": "2"}),
        ("- &a {b: &a 1}\n- *a", [{"b": "1"}, "1"]),
        ("a: {b: 1}\na: {c: 2}", [{"a": {"c": "2"}}, {"a": {"b": "1"}}]),
        ('{"a": {"b": "1"}, "a": "2"}', [{"a": "2"}, {"a": {"b": "1"}}]),
        ("x: &x {c: d}\ny:\n  <<: *x\n  e: f", {"x": {"c": "d"}, "y": {"e": "f", "c": "d"}}),
        ("a:\n  <<: [{b: c}, {d: e, b: f}, g]", {"a": [{"b": "c", "d": "e"}, {"b": "f"}, "g"]}),
        ("? !!binary aG9zdFBhdGg=\n: x", {"hostPath": "x"}),
        ("%TAG !b! tag:yaml.org,2002:\n---\n- !b!binary YQ==", ["a"]),
        ("!!binary é: x", {"é": "x"}),
    ],
    ids=range(9),
)
def test_what_others_read_and_pyyaml_refuses_or_leaves_out_is_read(text: str, data: object) -> None:
    """Go's yaml.v2 and yaml.v3, and sigs.k8s.io/yaml, which is made of them."""
    assert [*structures(text)] == [data]


@pytest.mark.parametrize(
    "around",
    [
        *("%YAML 1.3\n---\n{}", "%FOO bar\n---\n{}", "a:\n\tb: c\n{}", "a: b\n\ufeff{}", "{}\0"),
        *("{}...\nx: [", 'a: "\x01"\n{}', 'a: "\\\'"\n{}', 'a: "\\ud83d\\ude00"\n{}'),
        *("a: &ä 1\n{}", "a: 1\u2028{}", "a: 1\x85{}", f"{'x' * 1025}: 1\n{{}}"),
    ],
    ids=range(13),
)
@pytest.mark.parametrize(
    "key",
    [
        *('"host\\\n  Path"', r'"host\x50ath"', r'"host\\\\u0050ath"', r'"host\u005cx50ath"'),
        *("hostPath # words\n", "&a hostPath\n"),
    ],
    ids=range(6),
)
def test_each_word_may_be_a_key_where_others_may_read_a_text_in_another_way(
    around: str, key: str
) -> None:
    *_, last = structures(around.replace("{}", f"? {key}\n: x\n"))
    assert isinstance(last, dict)
    assert "hostPath" in next(iter(last)).split("/")


@pytest.mark.parametrize(
    "text",
    ["a: ? !!binary YQ==", "a: ? !<tag> b", "a: [: !x", r"a: [ \\\n", "a: [ \\x5c" + "x5c" * 9],
)
def test_what_may_conceal_words_in_a_text_with_a_fault_is_told(text: str) -> None:
    with pytest.raises(ConfigError, match=r"neither JSON nor YAML to its end"):
        [*structures(text)]


def test_an_anchor_within_itself_is_told_also_where_there_was_one_of_its_name() -> None:
    with pytest.raises(ConfigError, match=r"something that it is a part of"):
        [*structures("- &a 1\n- &a [*a]")]


def test_names_of_variables_are_no_keys() -> None:
    assert [*structures("a: b: $x ${y} c")] == [{"a/b/c": {"": ""}}]
